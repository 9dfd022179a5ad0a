"""The manifests: what they say (goldens), that they are what their platforms take, and that nothing is open.

They are judged by the schemas that the platforms publish: Kubernetes' own for several of its versions, the SDKs of
KServe and Knative (made from their resource definitions), and the Compose Specification with Debian's docker-compose.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from starlette.routing import Route
from tests.support.peer_python import OUTER, peer_python

from modelport.cli import main
from modelport.deploy import FORMS, Deployment, default_memory, manifests, write_folder
from modelport.deploy.deployment import parse_memory
from modelport.errors import InputError
from modelport.model import Model
from modelport.serve.app import create_app
from modelport.serve.info import ServiceInfo
from modelport.serve.limits import Limits
from modelport.types import Reference

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
IMAGE = Reference.parse(f"registry.example.org/models/iris-forest@sha256:{'3' * 64}")
WHOLE = Deployment(
    name="iris-forest",
    version="1.2.0",
    image=IMAGE,
    replicas=3,
    cpu="1500m",
    measured=154_000_000,
    namespace="models",
    host="iris.example.org",
)
LEAST = Deployment(name="2_odd.name", version="1.0.0-rc.1", image=IMAGE)
VERSIONS = ["1.30.0", "1.33.0", "1.37.0"]


def documents(form: str, deployment: Deployment) -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in manifests(form, deployment).items()}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_written_as_its_golden_says_and_the_same_each_time(
    form: str, golden: Callable[[Path, str], None]
) -> None:
    texts = manifests(form, WHOLE)
    golden(HERE / f"golden/{form}.yaml", "---\n".join(f"# {name}\n{text}" for name, text in texts.items()))
    assert texts == manifests(form, WHOLE)
    assert f"@{IMAGE.digest}" in "".join(texts.values())


@pytest.mark.parametrize("deployment", [WHOLE, LEAST], ids=["whole", "least"])
@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_its_objects_in_several_of_its_versions(version: str, deployment: Deployment) -> None:
    for document in documents("kubernetes", deployment).values():
        assert kubernetes_validate.validate(document, version, strict=True)
    document["spec"]["nonsense"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("deployment", [WHOLE, LEAST], ids=["whole", "least"])
@pytest.mark.parametrize(("form", "peer"), [("kserve", "oip-clients"), ("knative", "knative")])
def test_kserve_and_knative_take_every_field(form: str, peer: str, deployment: Deployment) -> None:
    (document,) = documents(form, deployment).values()
    assert _taken(form, peer, document) == document
    wrong = json.loads(json.dumps(document).replace("readOnlyRootFilesystem", "readOnlyRoot"))
    assert _taken(form, peer, wrong) != wrong


def _taken(form: str, peer: str, document: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    command = [peer_python(peer), HERE / f"judges/{form}_judge.py"]
    judged = subprocess.run(command, input=json.dumps(document), env=OUTER, capture_output=True, text=True, check=True)
    return json.loads(judged.stdout)


@pytest.mark.parametrize("deployment", [WHOLE, LEAST], ids=["whole", "least"])
def test_compose_takes_its_file(deployment: Deployment, tmp_path: Path) -> None:
    (text,) = manifests("compose", deployment).values()
    published = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(yaml.safe_load(text), json.loads(published.read_text("utf-8")))
    (tmp_path / "compose.yaml").write_text(text, "utf-8")
    told = subprocess.run(["docker-compose", "config"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    (service,) = yaml.safe_load(told.stdout)["services"].values()
    assert service["read_only"] is True
    assert service["image"] == str(IMAGE)


@pytest.mark.parametrize("form", ["kubernetes", "kserve", "knative"])
def test_pods_hold_to_the_restricted_pod_security_standard(form: str) -> None:
    """Field by field, as https://kubernetes.io/docs/concepts/security/pod-security-standards/ lists them."""
    (pod,) = _pods(documents(form, WHOLE))
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "hostUsers"} & set(pod)
    assert {key for volume in pod["volumes"] for key in volume} <= {"name", "emptyDir"}
    assert all("hostPort" not in port for port in container["ports"])
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"privileged", "procMount", "seLinuxOptions", "appArmorProfile"} & set(security)
    assert pod.get("securityContext", {}).get("runAsUser", 1) > 0
    # Beyond that standard: nothing can be written to, and nothing is known of the cluster.
    assert security["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    memory = container["resources"]
    assert memory["limits"]["memory"] == memory["requests"]["memory"]


def _pods(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(document, dict):
        found = [document] if "containers" in document else []
        return found + [pod for value in document.values() for pod in _pods(value)]
    return [pod for value in document for pod in _pods(value)] if isinstance(document, list) else []


def test_kubernetes_keeps_the_service_up_and_others_out() -> None:
    objects = {document["kind"]: document for document in documents("kubernetes", WHOLE).values()}
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["egress"] == []
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [3330, 3331]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    deployment = objects["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in deployment, "applying it again would undo what the autoscaler did"
    pod = deployment["template"]["spec"]
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > Limits().drain_seconds + pause
    selectors = [policy["podSelector"], objects["PodDisruptionBudget"]["spec"]["selector"], deployment["selector"]]
    selectors += [spread["labelSelector"] for spread in pod["topologySpreadConstraints"]]
    selectors.append({"matchLabels": objects["Service"]["spec"]["selector"]})
    assert all(len(selector["matchLabels"]) == 2 for selector in selectors), "name and instance, which cannot be added"
    labels = deployment["template"]["metadata"]["labels"].items()
    assert all(selector["matchLabels"].items() <= labels for selector in selectors)
    assert objects["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": Reference.parse("registry.example.org/models/iris:1.0.0")},
        {"replicas": 0},
        {"replicas": 11},
        {"cpu": "0"},
        {"cpu": "much"},
        {"namespace": "Not One"},
        {"host": "https://iris.example.org/"},
        {"port": -5},
        {"port": 99999},
    ],
)
def test_what_no_manifest_can_have_is_refused(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"name": "iris", "version": "1.0.0", "image": IMAGE}
    with pytest.raises(InputError) as refused:
        Deployment(**(given | wrong))
    assert refused.value.hint


def test_from_outside_only_the_doors_are_reached() -> None:
    objects = {document["kind"]: document for document in documents("kubernetes", WHOLE).values()}
    (rule,) = objects["Ingress"]["spec"]["rules"]
    rules = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    reached = {route.path: _reached(route.path, rules) for route in _routes()}
    assert [path for path, inside in reached.items() if not inside] == ["/metrics"]


def _routes() -> list[Route]:
    def greet(name: str) -> str:
        """Greet someone."""
        return f"Hello, {name}!"

    routes = create_app(Model(greet=greet), ServiceInfo(name="greeter")).routes
    return [route for route in routes if isinstance(route, Route)]


def _reached(path: str, rules: dict[str, str]) -> bool:
    """Tell whether an Ingress hands *path* on: as Kubernetes compares, element by element."""
    return any(path == rule or (kind == "Prefix" and path.startswith(f"{rule}/")) for rule, kind in rules.items())


@pytest.mark.parametrize("form", ["kserve", "knative"])
def test_only_the_cluster_reaches_it_unless_told_otherwise(form: str) -> None:
    label = "networking.knative.dev/visibility"
    (hidden,) = documents(form, WHOLE).values()
    (public,) = documents(form, replace(WHOLE, public=True)).values()
    assert hidden["metadata"]["labels"][label] == "cluster-local"
    assert label not in public["metadata"]["labels"]


@pytest.mark.parametrize("form", ["kserve", "knative"])
def test_open_calls_end_within_the_platforms_own_grace(form: str) -> None:
    (pod,) = _pods(documents(form, WHOLE))
    parser = argparse.ArgumentParser()
    Limits.add_flags(parser)
    limits = Limits.from_flags(parser.parse_args(pod["containers"][0]["args"]))
    assert 0 < limits.drain_seconds < 30 - 5, "Kubernetes' own, with time to spare"
    assert limits.call_seconds < (pod["timeout"] if "timeout" in pod else pod["timeoutSeconds"])
    assert limits.batch_rows / 2 <= pod["containerConcurrency"] <= limits.waiting, "calls go together"


def test_compose_limits_cores_only_where_told() -> None:
    service, limited = (documents("compose", one)["compose.yaml"]["services"].popitem()[1] for one in (LEAST, WHOLE))
    assert "cpus" not in service
    assert limited["cpus"] == 1.5


class TestCommand:
    """What the command takes before it looks for any model."""

    @pytest.mark.parametrize(
        ("form", "option"),
        [
            *(("compose", one) for one in ("--replicas 2", "--max-replicas 3", "--host a.example", "--namespace a")),
            ("compose", "--public"), ("kubernetes", "--port 1"), ("kubernetes", "--public"),
            *((form, one) for form in ("kserve", "knative") for one in ("--host a.example", "--port 1")),
        ],
    )  # fmt: skip
    def test_what_a_form_has_no_place_for_is_refused(
        self, form: str, option: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["deploy", form, "iris-forest", *option.split()]) == 1
        assert f"{form} has no {option.partition(' ')[0]}" in capsys.readouterr().err


class TestFolder:
    def write(self, folder: Path, form: str, deployment: Deployment) -> list[Path]:
        return write_folder(folder, form, manifests(form, deployment), deployment)[1]

    def test_what_an_earlier_run_wrote_does_not_stay(self, tmp_path: Path) -> None:
        assert self.write(tmp_path, "kubernetes", WHOLE) == []
        (tmp_path / "mine.yaml").write_text("kind: ConfigMap\n", "utf-8")
        later = replace(WHOLE, host="", version="1.3.0")
        assert self.write(tmp_path, "kubernetes", later) == [tmp_path / "ingress.yaml"]
        assert {file.name for file in tmp_path.iterdir()} == {*manifests("kubernetes", later), "mine.yaml"}

    @pytest.mark.parametrize("form", FORMS)
    def test_another_models_files_and_another_forms_are_left_alone(self, form: str, tmp_path: Path) -> None:
        for one in FORMS:
            self.write(tmp_path / one, one, WHOLE)
            self.write(tmp_path / one, one, WHOLE)
            before = {file: file.read_bytes() for file in (tmp_path / one).iterdir()}
            for wrong in (LEAST, *([] if one == form else [WHOLE])):
                with pytest.raises(InputError, match="is not a file of this model for"):
                    self.write(tmp_path / one, form, wrong)
            assert {file: file.read_bytes() for file in (tmp_path / one).iterdir()} == before


def test_names_are_labels_and_stay_apart() -> None:
    names = ["iris", "a.b", "a_b", "a-b", "9lives", "x" * 64, "x" * 63 + "y"]
    labels = [Deployment(name=name, version="1.0.0", image=IMAGE).object_name for name in names]
    assert len(set(labels)) == len(names)
    assert all(len(label) <= 52 and label[0].isalpha() and label.replace("-", "").isalnum() for label in labels)


def test_memory_follows_what_was_measured() -> None:
    assert default_memory(None) == 1024
    assert default_memory(154_000_000) == 384
    assert parse_memory("512Mi") == parse_memory("512m") == 512
    assert parse_memory("2Gi") == 2048
    for text in ("1", "1Ki", "15Mi", "-5Gi", "much"):
        with pytest.raises(InputError):
            parse_memory(text)
