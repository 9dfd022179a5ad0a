"""The API of the Acumos paper and of its client's last version (1.0.1), over Modelport's own rooms.

The paper's listing (Zhao et al., "Packaging and Sharing Machine Learning Models via the Acumos AI Open Platform", 2018,
Fig. 2) runs with nothing changed but its two import lines::

    from modelport.acumos import AcumosSession
    from modelport.acumos import Model, List, create_namedtuple

``push`` packs a model, keeps it in the embedded store and, where a registry is set, pushes it there. The modules
`modeling`, `metadata` and `session` hold what they hold there.
"""

from __future__ import annotations

from modelport.acumos.metadata import Options, Requirements
from modelport.acumos.modeling import (
    Dict,
    Empty,
    List,
    Model,
    NamedTuple,
    create_dataframe,
    create_namedtuple,
    new_type,
)
from modelport.acumos.session import AcumosSession, Pushed

__all__ = [
    "AcumosSession", "Dict", "Empty", "List", "Model", "NamedTuple", "Options", "Pushed", "Requirements",
    "create_dataframe", "create_namedtuple", "new_type",
]  # fmt: skip
