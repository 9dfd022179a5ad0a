"""Credential helpers: programs ``docker-credential-NAME`` that keep passwords where a system keeps its secrets.

The protocol is docker's (``docker-credential-helpers``): ``get`` reads a registry's URL and prints JSON, ``store``
reads JSON, ``erase`` reads a URL; what goes wrong is told on standard output, with a status other than 0.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess

from modelport.errors import FormatError, SetupError

__all__ = ["Helper"]

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SECONDS = 30
_TEXT_LIMIT = 300
_NOTHING = "not found"
"""Part of every helper's words for "I have none for this place": ``credentials not found in native keychain``."""


class Helper:
    """One such program.

    Args:
        name: What comes after ``docker-credential-``.
        search_path: Where programs lie; the process's PATH when None.

    Raises:
        FormatError: That is no name.
        SetupError: There is no such program.
    """

    def __init__(self, name: object, *, search_path: str | None = None) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise FormatError(f"{name!r} is not the name of a credential helper")
        program = shutil.which(f"docker-credential-{name}", path=search_path)
        if program is None:
            raise SetupError(
                f"docker's configuration names the credential helper {name!r}, and there is no such program",
                hint=f"install docker-credential-{name}, or remove it from docker's config.json",
            )
        self.program = program

    def get(self, place: str) -> tuple[str, str] | None:
        """Return the user's name and the secret for *place*; None when the helper has none."""
        answer = self._run("get", place)
        if answer is None:
            return None
        try:
            found = json.loads(answer)
            return str(found["Username"]), str(found["Secret"])
        except (ValueError, KeyError, TypeError):
            raise SetupError(
                f"{self.program} answered something that is not credentials"
            ) from None  # they may be in it

    def store(self, place: str, username: str, secret: str) -> None:
        """Keep a secret for *place*."""
        if self._run("store", json.dumps({"ServerURL": place, "Username": username, "Secret": secret})) is None:
            raise SetupError(f"{self.program} did not store the credentials of {place}")

    def erase(self, place: str) -> bool:
        """Forget the secret for *place*, and tell whether there was one."""
        return self.get(place) is not None and self._run("erase", place) is not None

    def _run(self, action: str, text: str) -> bytes | None:
        try:
            done = subprocess.run(
                [self.program, action], input=text.encode(), capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SetupError(f"{self.program} did not answer within {_SECONDS} seconds") from error
        except OSError as error:
            raise SetupError(f"{self.program} cannot be run: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout
        said = (done.stdout.strip() or done.stderr.strip()).decode("utf-8", "replace")
        if _NOTHING in said:
            return None
        words = "".join(c if c.isprintable() else " " for c in said)[:_TEXT_LIMIT] or f"status {done.returncode}"
        raise SetupError(
            f"{self.program} {action} failed: {words}", hint="see to the helper, or remove it from docker's config.json"
        )
