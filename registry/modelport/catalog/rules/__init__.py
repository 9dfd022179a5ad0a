"""The rules, one module for each family; each is a function from what was read to problems.

A rule sees only *sound* parts: a document's top-level keys whose content the JSON Schema accepts. So a rule need not
ask what it was given, one mistake is reported once, and all mistakes are reported together.
"""

from __future__ import annotations

__all__ = ["OTHER_RULES", "RULES"]

RULES = {
    "encoding": "Files are UTF-8 text.",
    "yaml-syntax": "Files are YAML.",
    "yaml-one-document": "A file holds one YAML document, without directives.",
    "yaml-limits": "Documents are neither deep nor endless.",
    "yaml-alias": "Nothing is named and repeated by anchors and aliases.",
    "yaml-tag": "Values have no tags.",
    "yaml-duplicate-key": "A key is given once.",
    "yaml-number": "Numbers fit a double or a 64-bit integer with room to spare.",
    "yaml-character": "Text holds no control characters and none that change direction.",
    "toml-syntax": "Settings are TOML.",
    "file-missing": "An entry has model.yaml and card.md.",
    "file-unexpected": "Nothing else lies in an entry or beside the entries.",
    "file-symlink": "Files and folders are no links.",
    "file-binary": "Weights and other binary files stay out of git.",
    "file-empty": "Files say something.",
    "file-size": "Files are small.",
    "file-kind": "A file is of the kind that its folder is for.",
    "schema-unknown": "The `schema` key says which contract a file follows.",
    "schema-missing": "All required keys are there.",
    "schema-key": "There are no unknown keys.",
    "schema-type": "Values are of the right kind.",
    "schema-value": "Values have the right form and length, and are among those allowed.",
    "name-folder": "An entry's folder has the model's name, a version's file the version.",
    "name-reserved": "Names can be files on every system.",
    "name-confusable": "Names cannot be taken for each other.",
    "license": "Licences are SPDX expressions in their canonical spelling.",
    "citation": "A citation is a text, or a title with authors and a year.",
    "lineage-origin": "What a model was made from is a model of the catalog or a source elsewhere: one of both.",
    "lineage-model": "What a model was made from is another model of the catalog.",
    "lineage-cycle": "No model was made from itself, on however long a way.",
    "person": "ORCID iDs have the right check digit.",
    "lifecycle-reason": "Who yanks a model says why.",
    "lifecycle-successor": "A deprecated model's successor is another model of the catalog.",
    "lifecycle-versions": "Only a draft has no version, and a published model has one that is not yanked.",
    "yanked-version": "What is yanked is a version of the entry, and each once.",
    "audience": "What is internal stays out of a public catalog.",
    "imported": "What is said of an imported model's interface is whole, and each of its files is listed once.",
    "placeholder": "Only a draft may hold texts that are still TODO.",
    "version-order": "In one line of versions, a later one is not released before an earlier one.",
    "version-digest": "A digest belongs to one version of one model.",
    "version-files": "A package's file is listed once.",
    "version-interface": "Signature, examples and evaluations are those of the package, to the byte.",
    "example-method": "Examples call methods of the signature.",
    "example-fields": "Examples give the fields of the methods' messages: all that are needed and no others.",
    "variants-version": "A variants file is called by a version of its entry.",
    "variants-digest": "Variants are of the package of their version.",
    "variants-twice": "A variant's name and digest are its own.",
    "variants-status": "A variant that failed says why; one that is ok has a package, a runtime and a size.",
    "variants-figures": "Accuracies lie in their intervals, and times rise as their names say.",
    "variants-device": "What is measured is measured on devices of the catalog.",
    "profile-name": "The files of devices and networks have names that can be asked for.",
    "profile-source": "Profiles say where their figures were published, or when they were measured.",
    "evaluation-figures": "Figures lie in their intervals, and both where the metric can be.",
    "evaluation-twice": "A figure is given once.",
    "recipe-pair": "recipe.py, recipe.lock and `data` come together.",
    "recipe-model": "A recipe has a function `model()`.",
    "recipe-lock": "A recipe's requirements are pinned with hashes, from no address.",
    "recipe-data": "Data have names of their own.",
}
"""Each rule of an entry's files, and what it asks for."""

OTHER_RULES = {
    "signature": "A signature is whole, and named after its content.",
    "package-missing": "A version's package is in the store or in the catalog's registry.",
    "package-differs": "A version says what its package holds.",
    "version-immutable": "A version's file never changes and is never removed.",
    "entry-removed": "A name that had a version stays taken.",
    "catalog-moved": "A catalog that has versions stays where it is.",
}
"""Rules that need more than an entry's files: a signature's reader, the package, the history."""
