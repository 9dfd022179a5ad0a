"""Silero VAD as its makers publish it: an ONNX file from their wheel, packed as it is and measured on recordings."""

from __future__ import annotations

import wave
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelport import Evaluation, OnnxModel, Port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RATE = 8000  # of the recordings
NEW, CONTEXT = 256, 32  # samples at that rate: 32 milliseconds, and what is repeated of those before
SECONDS = 5
PROMPTS = "Asterisk core sounds, English"
MUSIC = "Asterisk music on hold"
WITHOUT_SPEECH = (
    "ascending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave", "descending-2tone", "tt-monkeys",
)  # fmt: skip
APART = 8  # of so many recordings and parts of music one is for calibration, the others are for evaluation
T_4 = 2.776  # Student's t at 97.5 % with 4 degrees of freedom: one less than there are pieces of music


def model(data: dict[str, Path]) -> OnnxModel:
    """Pack the file, and tell speech from other sounds in recordings of a telephone system."""
    made = OnnxModel(
        data["silero-vad"],
        method="detect",
        doc="Tell how likely it is that each piece of sound holds a voice.",
        takes="Sound",
        gives="Voice",
        inputs={
            "input": Port(
                "audio",
                "pieces of sound, samples from -1 to 1: at 16,000 Hz each is the last 64 samples of the piece before"
                " (zeros at the start) and 512 new ones, at 8,000 Hz 32 and 256; both are 32 milliseconds of new sound",
                ("n", None),
            ),
            "state": Port(
                "state",
                "what the model remembers of each sound: next_state of the piece before, zeros at the start",
                (2, "n", 128),
            ),
            "sr": Port("rate", "samples per second of all pieces: 16000 or 8000", unit="Hz"),
        },
        outputs={
            "output": Port("speech", "the probability of a voice in each piece", ("n", 1), minimum=0, maximum=1),
            "stateN": Port("next_state", "what to give as state with the next piece of each sound", (2, "n", 128)),
        },
        license=data["silero-vad-license"],
    )
    made.add_example("detect", _first_piece([vowel(16_000)], 16_000), tolerance=1e-3)
    quiet = [np.zeros(NEW), tone(RATE), noise()]
    made.add_example("detect", _first_piece([sound[:NEW] for sound in quiet], RATE), tolerance=1e-3)
    _evaluate(made, data)
    _add_pieces(made, data)
    return made


def vowel(rate: int) -> np.ndarray:
    """Return a buzz of 120 Hz with the resonances of an open vowel (730, 1090 and 2440 Hz)."""
    sound = np.zeros(512)
    sound[:: rate // 120] = 1
    for frequency, width in ((730, 90), (1090, 110), (2440, 120)):
        r = np.exp(-np.pi * width / rate)
        first, second = 2 * r * np.cos(2 * np.pi * frequency / rate), -r * r
        for i in range(2, len(sound)):
            sound[i] += first * sound[i - 1] + second * sound[i - 2]
    return 0.5 * sound / np.abs(sound).max()


def tone(rate: int) -> np.ndarray:
    """Return a tone of 440 Hz."""
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(NEW) / rate)


def noise() -> np.ndarray:
    """Return white noise."""
    return np.random.default_rng(0).uniform(-0.2, 0.2, NEW)


def _first_piece(sounds: Sequence[np.ndarray], rate: int) -> dict[str, object]:
    """Return the arguments for the beginning of *sounds*."""
    new = np.round(sounds, 3)
    context = np.zeros((len(sounds), 64 if rate == 16_000 else CONTEXT))  # noqa: PLR2004 - one of two rates
    state = np.zeros((2, len(sounds), 128))
    return {"audio": np.hstack([context, new]).tolist(), "state": state.tolist(), "rate": rate}


def _evaluate(made: OnnxModel, data: dict[str, Path]) -> None:
    """Measure what is heard, and what is heard wrongly, apart: a model that always hears a voice has a recall of 1."""
    files = sorted(data["prompts"].rglob("*.wav"))
    speech = np.array([_has_speech(f) for f in files])
    heard = _hear(made, [_read(f)[: SECONDS * RATE] for f in files])
    first, silent = f"their first {SECONDS} s", sum(f.parent.name == "silence" for f in files)
    split = f"the recordings with speech, {first} (no interval: one speaker)"
    made.add_evaluation(_figure("recall", heard[speech], PROMPTS, split))
    split = f"the recordings without speech, {first}: {silent} silences, {', '.join(WITHOUT_SPEECH)}"
    made.add_evaluation(_figure("specificity", ~heard[~speech], PROMPTS, f"{split} (no interval: few and alike)"))
    pieces = {f.stem: ~_hear(made, _parts(_read(f))) for f in sorted(data["music"].glob("*.wav"))}
    parts = f"in parts of {SECONDS} s"
    everything = _figure(
        "specificity", np.concatenate(list(pieces.values())), MUSIC, f"all music, {parts}; interval by piece"
    )
    made.add_evaluation(replace(everything, interval=_interval(list(pieces.values()))))
    for name, right in pieces.items():
        split = f"{name}, {parts} (no interval: one piece)"
        made.add_evaluation(_figure("specificity", right, MUSIC, split))


def _add_pieces(made: OnnxModel, data: dict[str, Path]) -> None:
    """Let the loudest piece of each sound go along: of a prompt it is a voice, of any other sound it is none.

    Whether there is a voice in a piece nobody wrote down, and pauses are silent: of the loudest piece it is sure.
    """
    files = sorted(data["prompts"].rglob("*.wav"))
    sounds = [(_read(f)[: SECONDS * RATE], _has_speech(f)) for f in files]
    sounds += [(part, False) for f in sorted(data["music"].glob("*.wav")) for part in _parts(_read(f))]
    pieces = _loudest(made, [sound for sound, _ in sounds])
    right = [[[float(speech)]] for _, speech in sounds]
    name, license_ = "Asterisk sounds", "CC-BY-SA-3.0"
    source = "Digium's core sounds (voice: Allison Smith), music by Macroform, Manolo Camp and Reno Project; Debian"
    split = f"the loudest piece of every {APART}th recording and part of music"
    made.add_data("calibration", "detect", pieces[::APART], name=name, split=split, source=source, license=license_)
    others = [number for number in range(len(pieces)) if number % APART]
    voices = sum(sounds[number][1] for number in others)
    split = (
        f"the loudest piece of {voices} prompts (voice) and of {len(others) - voices} other sounds, mostly music; one"
        " speaker, five pieces of music: the interval is too narrow"
    )
    made.add_data(
        "evaluation", "detect", [pieces[number] for number in others], {"speech": [right[number] for number in others]},
        name=name, split=split, source=source, license=license_, tolerance=0.5,
    )  # fmt: skip


def _loudest(made: OnnxModel, sounds: Sequence[np.ndarray]) -> list[dict[str, object]]:
    """Return the arguments for the loudest piece of each of *sounds*, with the state that those before it leave."""
    padded = _padded(sounds)
    steps = [np.square(padded[:, start + CONTEXT : start + CONTEXT + NEW]).sum(axis=1) for start in _starts(padded)]
    loudest = np.argmax(steps, axis=0)
    found: list[dict[str, object]] = [{} for _ in sounds]
    for number, (audio, state, _) in enumerate(_run(made, padded)):
        for row in np.flatnonzero(loudest == number):
            found[row] = {"audio": audio[row : row + 1], "state": state[:, row : row + 1], "rate": RATE}
    return found


def _figure(metric: str, right: np.ndarray, data: str, split: str) -> Evaluation:
    n = len(right)
    tolerance = round(1.5 / n, 4)  # on another processor, one answer at the threshold may tip
    return Evaluation(data=data, split=split, n=n, metric=metric, value=int(right.sum()) / n, tolerance=tolerance)


def _interval(pieces: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the 95 % interval of the share of right answers when parts of one piece are alike.

    The pieces are the sample, not their parts: the share is a ratio of sums over pieces, whose variance is estimated
    from what each piece adds to it (Cochran, Sampling Techniques, 3rd ed., chapter 6), with Student's t for so few.
    """
    n, right = np.array([[len(piece), piece.sum()] for piece in pieces]).T
    middle = right.sum() / n.sum()
    off = right - middle * n
    half = T_4 * np.sqrt(len(pieces) / (len(pieces) - 1) * (off**2).sum()) / n.sum()
    return round(float(max(middle - half, 0)), 4), round(float(min(middle + half, 1)), 4)


def _hear(made: OnnxModel, sounds: Sequence[np.ndarray]) -> np.ndarray:
    """Tell for each of *sounds* whether a voice is in it: any of its pieces is one with 0.5 or more."""
    padded, heard = _padded(sounds), np.zeros(len(sounds), bool)
    for start, (_, _, speech) in zip(_starts(padded), _run(made, padded), strict=True):
        going_on = np.array([start + NEW <= len(sound) for sound in sounds])
        heard |= (speech[:, 0] >= 0.5) & going_on  # noqa: PLR2004 - the threshold that the card names
    return heard


def _padded(sounds: Sequence[np.ndarray]) -> np.ndarray:
    """Return a row for each of *sounds*: zeros before it, its whole pieces, and zeros to the end of the longest."""
    most = max(len(sound) for sound in sounds) // NEW
    padded = np.zeros((len(sounds), CONTEXT + most * NEW), np.float32)
    for row, sound in zip(padded, sounds, strict=True):
        whole = sound[: len(sound) // NEW * NEW]
        row[CONTEXT : CONTEXT + len(whole)] = whole
    return padded


def _starts(padded: np.ndarray) -> range:
    """Return where the pieces begin."""
    return range(0, padded.shape[1] - CONTEXT, NEW)


def _run(made: OnnxModel, padded: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give what the model takes of each piece of all sounds, the state before it, and how likely it finds a voice."""
    detect, state = made.methods["detect"], np.zeros((2, len(padded), 128), np.float32)
    for start in _starts(padded):
        audio = padded[:, start : start + CONTEXT + NEW]
        voice = detect(detect.input_type(audio, state, RATE))
        yield audio, state, voice.speech
        state = voice.next_state


def _has_speech(file: Path) -> bool:
    return file.parent.name != "silence" and file.stem not in WITHOUT_SPEECH


def _parts(sound: np.ndarray) -> list[np.ndarray]:
    size = SECONDS * RATE
    return [sound[i : i + size] for i in range(0, len(sound) - size + 1, size)]


def _read(file: Path) -> np.ndarray:
    """Return the samples of a recording: 16 bits, one channel."""
    with wave.open(str(file)) as recording:
        if (recording.getnchannels(), recording.getsampwidth(), recording.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{file} is not a recording of 16 bits at {RATE} Hz")
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float32) / 32768
