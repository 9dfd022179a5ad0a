"""Fixtures that any test may ask for."""

from __future__ import annotations

from tests.support.commands import workplace
from tests.support.registry import docker_registry, unique_repository

__all__ = ["docker_registry", "unique_repository", "workplace"]
