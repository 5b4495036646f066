"""What a task says reaches the sink of its own attempt, safe and bounded, and disturbs nobody."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.log import capture, carried, get_logger
from orchestrator.secrets import Masker


class Said(list[tuple[str, str]]):
    """Collects what a sink is given."""

    def __call__(self, level: str, text: str) -> None:
        self.append((level, text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self]


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of a user's module, put back afterwards."""
    made = logging.getLogger("users.module")
    yield made
    made.setLevel(logging.NOTSET)
    made.propagate, made.disabled = True, False
    made.handlers.clear()


def test_records_of_any_logger_are_heard(said: Said, logger: logging.Logger) -> None:
    with capture(said):
        logger.info("rows: %d", 3)
        logging.getLogger().warning("root")
        get_logger("shell").error("ours")
        logger.debug("not this")
    logger.info("nor this")
    assert said == [("INFO", "rows: 3"), ("WARNING", "root"), ("ERROR", "ours")]


def test_a_logger_that_does_not_propagate_is_heard_too(said: Said, logger: logging.Logger) -> None:
    logger.propagate = False
    with capture(said):
        logger.info("still")
    assert said.texts == ["still"]


def test_levels_that_somebody_set_hold(said: Said, logger: logging.Logger) -> None:
    logger.setLevel(logging.ERROR)
    with capture(said):
        logger.info("too quiet")
        logging.getLogger("users.module.below").warning("too quiet as well")
        logger.error("heard")
    logger.setLevel(logging.NOTSET)
    logger.disabled = True
    with capture(said):
        logger.error("switched off")
    logger.disabled = False
    logging.disable(logging.INFO)
    try:
        with capture(said):
            logger.info("switched off for all")
    finally:
        logging.disable(logging.NOTSET)
    assert said.texts == ["heard"]


def test_more_can_be_asked_for(said: Said, logger: logging.Logger) -> None:
    with capture(said, level=logging.DEBUG):
        logger.debug("detail")
    assert said == [("DEBUG", "detail")]


def test_a_traceback_comes_along(said: Said, logger: logging.Logger) -> None:
    with capture(said):
        try:
            raise ValueError("cause")
        except ValueError:
            logger.exception("it broke")
    assert said.texts[0].startswith("it broke\nTraceback (most recent call last):\n")
    assert said.texts[0].endswith("ValueError: cause")


def test_a_record_that_cannot_be_formatted_fails_nobody(said: Said, logger: logging.Logger) -> None:
    with capture(said):
        logger.info("%d rows", "three")
    assert "'%d rows' with ('three',)" in said.texts[0]


def test_a_user_s_logging_goes_on_as_if_nobody_listened(said: Said, logger: logging.Logger) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.WARNING)
    logger.addHandler(handler)
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logger.level)
    with capture(said), capture(Said()), capture(said):
        logger.info("quiet")
        logger.warning("loud")
    assert stream.getvalue() == "loud\n"
    assert said.texts == ["quiet", "loud"]
    assert (list(root.handlers), root.level, logger.level) == before


def test_configuring_logging_inside_a_task_works_and_says_nothing_twice() -> None:
    code = (
        "import logging, sys; from orchestrator.log import capture\n"
        "said = []\n"
        "with capture(lambda level, text: said.append(text), stdout=True):\n"
        "    logging.warning('before')\n"
        "    logging.getLogger('x').warning('plain')\n"
        "    logging.basicConfig(level=logging.INFO, format='%(message)s', force=True)\n"
        "    logging.info('configured')\n"
        "    print('printed')\n"
        "print(said)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "['before', 'plain', 'configured', 'printed']\n"
    assert shown.stderr.splitlines()[-1] == "configured"  # the user's own handler still shows it
    assert "printed" not in shown.stderr


def test_without_handlers_a_warning_is_kept_and_not_printed_as_well() -> None:
    code = (
        "import logging; from orchestrator.log import capture\n"
        "with capture(lambda level, text: print('kept', text)):\n"
        "    logging.getLogger('x').warning('careful')\n"
        "logging.getLogger('x').warning('outside')\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (shown.stdout, shown.stderr) == ("kept careful\n", "outside\n")


def test_attempts_at_once_do_not_mix(logger: logging.Logger) -> None:
    barrier = threading.Barrier(8)

    def attempt(number: int) -> list[str]:
        mine = Said()
        barrier.wait(10)
        with capture(mine, stdout=True):
            for line in range(50):
                logger.info("%d log %d", number, line)
                print(number, "print", line)
        return mine.texts

    with ThreadPoolExecutor(8) as pool:
        for number, texts in enumerate(pool.map(attempt, range(8))):
            expected = [
                f"{number} {kind} {line}" for line in range(50) for kind in ("log", "print")
            ]
            assert texts == expected


def test_threads_of_a_task_belong_to_it_if_carried(said: Said, logger: logging.Logger) -> None:
    with capture(said), ThreadPoolExecutor(4) as pool:
        list(pool.map(carried(lambda n: (time.sleep(0.01), logger.info("%d", n))), range(8)))
        pool.submit(logger.info, "of nobody").result()
    assert sorted(said.texts) == [str(number) for number in range(8)]


def test_printed_lines_are_kept_when_asked_for(
    said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr
    with capture(said, stdout=True):
        print("one\ntwo", end="")
        print(" and more")
        print("to stderr", file=sys.stderr)
        sys.stdout.write("10%\r50%\r100%\n")
        assert not sys.stdout.isatty()
        thread = threading.Thread(target=print, args=["another thread"])
        thread.start()
        thread.join()
        print("without end", end="")
    assert (sys.stdout, sys.stderr) == before
    with capture(said):
        print("shown as ever")
    assert said.texts == ["one", "two and more", "to stderr", "100%", "without end"]
    assert capsys.readouterr().out == "another thread\nshown as ever\n"


def test_redirections_inside_a_task_still_work(said: Said) -> None:
    with capture(said, stdout=True):
        with contextlib.redirect_stdout(io.StringIO()) as own:
            print("own")
        print("kept")
    assert own.getvalue() == "own\n"
    assert said.texts == ["kept"]


def test_secrets_are_masked_before_anybody_sees_them(said: Said, logger: logging.Logger) -> None:
    masker = Masker()
    masker.add("canary-secret")
    with capture(said, masker=masker, stdout=True):
        logger.info("using %s", "canary-secret")
        print("using canary-secret")
        print("using \x1b[1mcanary\x1b[0m-secret")
        try:
            raise ValueError("no login with canary-secret")
        except ValueError:
            logger.exception("failed")
    assert "canary-secret" not in str(said)
    assert said.texts[:3] == ["using ***"] * 3
    assert said.texts[3].endswith("no login with ***")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07done", "red done"),
        ("nul\x00 bell\x07 esc\x1b", "nul\ufffd bell\ufffd esc\ufffd"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("tab\tand\r\nlines\rhere", "tab\tand\nlines\nhere"),
        ("turned \u202egnp.exe", "turned \ufffdgnp.exe"),
        ("grün 😀 日本", "grün 😀 日本"),
    ],
)
def test_text_is_safe_to_store_and_show(
    said: Said, logger: logging.Logger, text: str, kept: str
) -> None:
    with capture(said):
        logger.info(text)
    assert said.texts == [kept]
    kept.encode("utf-8")


def test_a_line_of_200_megabytes_is_cut_with_a_mark(said: Said, logger: logging.Logger) -> None:
    with capture(said, stdout=True):
        logger.info("x" * 200_000_000)
        logger.info("next")
    assert said.texts[0].startswith("xxx")
    assert said.texts[0].endswith("x … [cut: 200,000,000 characters]")
    assert len(said.texts[0]) < 40_000
    assert said.texts[1] == "next"


def test_a_secret_across_the_cut_does_not_show_its_beginning(
    said: Said, logger: logging.Logger
) -> None:
    masker = Masker()
    masker.add("canary-secret-value")
    with capture(said, masker=masker, max_line=100):
        for shift in range(80, 110):
            logger.info("x" * shift + "canary-secret-value" + "y" * 100)
        logger.info("canary-secret-value" * 50)
    assert "cana" not in str(said)
    assert all(len(text) < 160 for text in said.texts)


def test_a_flood_is_dropped_with_one_line(said: Said, logger: logging.Logger) -> None:
    with capture(said, max_total=1_000):
        for number in range(1_000):
            logger.info("line %d", number)
    assert said[-1] == ("WARNING", "log truncated: more than 1,000 characters")
    assert 80 < len(said) < 150
    assert said.texts[-2] == f"line {len(said) - 2}"


def test_a_sink_that_fails_does_not_fail_the_task(logger: logging.Logger) -> None:
    def sink(level: str, text: str) -> None:
        logger.info("the sink itself speaks")  # and is not heard: no endless loop
        raise OSError("no space left")

    with capture(sink) as heard:
        logger.info("one")
        logger.info("two")
    assert heard.lost == 2


def test_capture_costs_little(said: Said, logger: logging.Logger) -> None:
    listens = [logging.Logger.isEnabledFor, logging.Logger.callHandlers]
    for _ in range(3):
        with capture(said):
            logger.info("again")
    assert [logging.Logger.isEnabledFor, logging.Logger.callHandlers] == listens
    assert said.texts == ["again"] * 3
