"""MDInference's published figures, and the ways of deciding that its authors compare.

From the simulator that the authors published with the paper (S. Ogden and T. Guo, "MDInference: Balancing Inference
Accuracy and Latency for Mobile Applications", IC2E 2020; github.com/cake-lab/MDInference, ``Shared.py``): networks as
mean and deviation of the upload in milliseconds, models on a server with CPUs as top-1 accuracy in percent, mean and
deviation of an inference in milliseconds. The model on the device is the smallest of them; its time there is not
published, 30 +- 3 ms is assumed.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

from modelport.edge.select import Selector
from modelport.edge.types import Candidate, Choice, Network, Request, Spread, Variant

if TYPE_CHECKING:
    from modelport.edge.simulate import Decide

__all__ = ["DEVICE", "NETWORKS", "SERVER", "by_device", "by_server", "fastest", "fixed", "naive"]

NETWORKS = {
    name: Network(id=name, one_way=Spread(mean / 1000, sd / 1000, 1000))
    for name, mean, sd in (("campus", 57.873475, 30.787465), ("home", 92.020537, 48.375776), ("lte", 364.66, 170.59))
}

_PROFILES = """
densenet                64.2  153.025884271   29.6913487979
inception_resnet_v2     77.5  500.985020161   1.14565879578
inception_v3            77.9  262.045269012   0.885511114865
inception_v4            80.1  540.745566368   1.90960421806
mobilenet_v1_0.25_128   41.4  3.95581150055   0.201440857507
mobilenet_v1_0.25_160   45.4  6.62793016434   0.250722786275
mobilenet_v1_0.25_192   47.1  8.76424479485   0.397066544358
mobilenet_v1_0.25_224   49.7  10.9814586639   0.316590703247
mobilenet_v1_0.5_128    56.2  8.26227641106   0.200327773653
mobilenet_v1_0.5_160    59.0  11.5909786224   0.510917125336
mobilenet_v1_0.5_192    61.7  15.0076212883   0.273321275215
mobilenet_v1_0.5_224    63.2  19.856048584    0.251523968396
mobilenet_v1_0.75_128   62.0  12.5075278282   0.553963714457
mobilenet_v1_0.75_160   65.2  17.3106851578   0.357290436335
mobilenet_v1_0.75_192   67.1  23.6952650547   0.343032968511
mobilenet_v1_0.75_224   68.3  31.5080704689   0.242498263236
mobilenet_v1_1.0_128    65.2  17.4309797287   0.428864189945
mobilenet_v1_1.0_160    68.0  25.2943475246   0.37315250947
mobilenet_v1_1.0_192    69.9  34.6836748123   0.266217308913
mobilenet_v1_1.0_224    71.0  46.1788566113   0.220287887826
nasnet_large            82.6  1458.19308114   6.66281445467
nasnet_mobile           73.9  100.973119497   1.01353953097
squeezenet              49.0  38.0863963366   11.2499465878
"""
_IMAGES = 50_000  # of ImageNet's validation set: the accuracies' intervals follow


def _server(line: str) -> Candidate:
    name, percent, mean, sd = line.split()
    accuracy = float(percent) / 100
    interval = 1.96 * sqrt(accuracy * (1 - accuracy) / _IMAGES)
    variant = Variant(name=name, task="imagenet", accuracy=accuracy, interval=interval)
    return Candidate(variant=variant, place="server", infer=Spread(float(mean) / 1000, float(sd) / 1000, 1000))


SERVER = tuple(_server(line) for line in _PROFILES.split("\n") if line)
DEVICE = next(
    replace(candidate, place="device", infer=Spread(0.030, 0.003, 1000))
    for candidate in SERVER
    if candidate.variant.name == "mobilenet_v1_0.25_128"
)


def fastest(request: Request) -> Decide:
    """Always the fastest on the server."""
    choice = Selector(SERVER).choose(replace(request, deadline=0.0), Network(one_way=Spread(0.0)))
    return lambda _: choice


def naive(request: Request) -> Decide:
    """The most accurate that fits the deadline, as if there were no transfer."""
    choice = Selector(SERVER).choose(request, Network(one_way=Spread(0.0)))
    return lambda _: choice


def by_server(request: Request) -> Decide:
    """The rule, when the request is at the server and its upload's time is known: the authors' way."""
    selector = Selector(SERVER)
    return lambda met: selector.choose(request, met)


def by_device(request: Request, estimate: Network, *, duplicates: bool = True) -> Decide:
    """The rule, on the device, which knows no more than the estimate: here or there, and whether who stands by."""
    choice = Selector([DEVICE, *SERVER], duplicates=duplicates).choose(request, estimate)
    return lambda _: choice


def fixed(candidate: Candidate) -> Decide:
    """Always the same."""
    choice = Choice(candidate=candidate, expected=candidate.infer.mean, bound=candidate.infer.mean)
    return lambda _: choice
