from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segwidgets.jobs import instances
from segwidgets.jobs.cost import Cost, Past, cost, estimate, past, price
from segwidgets.jobs.spec import SpecError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    return tmp_path


def ask(instance_type: str = "ml.g4dn.xlarge", **given: Any) -> Cost:
    usual = {"region": "us-east-1", "max_run": 3600, "rows": 100_000, "columns": 10, "mode": "embedding"}
    return cost(instance_type, **{**usual, **given})


def done(home: Path, name: str, *, rows: int, seconds: float, **given: Any) -> Path:
    """The folder of a SageMaker job that completed; ``given`` changes its record."""
    place = home / "jobs" / name
    place.mkdir(parents=True)
    job = {"rows": rows, "params": {"mode": "embedding"}, "settings": {"instance_type": "ml.g4dn.xlarge"}, **given}
    (place / "job.json").write_text(json.dumps(job))
    (place / "status.json").write_text(json.dumps({"state": "completed", "begun": 1000.0, "ended": 1000.0 + seconds}))
    return place


# -- money -------------------------------------------------------------------------------------------------------------


def test_the_ceiling_is_price_times_hours_times_instances() -> None:
    hourly = ask().price.hourly  # type: ignore[union-attr]
    assert ask(max_run=1800).ceiling == pytest.approx(hourly / 2)
    assert ask(max_run=7200, instance_count=3).ceiling == pytest.approx(hourly * 6)


def test_a_spot_job_has_a_range_below_a_ceiling_that_stays() -> None:
    found = ask(spot=True)
    assert found.ceiling == ask().ceiling
    assert found.spot == pytest.approx((found.ceiling * 0.3, found.ceiling * 0.9))  # type: ignore[operator]
    assert ask().spot is None


def test_the_price_says_its_date_and_that_it_was_not_fetched() -> None:
    found = ask()
    assert found.price is not None
    assert found.price.source == "list prices as remembered, not fetched"
    assert found.price.source in found.text
    assert found.price.date in found.text


def test_a_region_costs_its_factor() -> None:
    there, here = price("ml.g5.xlarge", "us-east-1"), price("ml.g5.xlarge", "eu-central-1")
    assert there is not None
    assert here is not None
    assert here.hourly == pytest.approx(1.25 * there.hourly)


@pytest.mark.parametrize(("name", "region"), [("ml.p6-b200.48xlarge", "us-east-1"), ("ml.g5.xlarge", "mars-north-1")])
def test_an_unknown_price_is_said_to_be_unknown_and_is_never_nothing(name: str, region: str) -> None:
    found = ask(name, region=region, spot=True)
    assert (found.price, found.ceiling, found.spot, found.likely) == (None, None, None, None)
    assert f"No price is known for {name} in {region}" in found.text
    assert "$0" not in found.text


def test_every_priced_type_is_one_that_aws_has() -> None:
    table = json.loads((Path(instances.__file__).parent / "prices.json").read_text())
    assert set(table["instances"]) <= set(instances.names("training"))
    assert all(value > 0 for value in table["instances"].values())


@pytest.mark.parametrize(
    "family", ["m5", "m6i", "m7i", "c5", "c6i", "c7i", "r5", "g4dn", "g5", "g6", "g6e", "p3", "p5"]
)
def test_every_size_of_a_usual_family_has_a_price(family: str) -> None:
    for name in instances.names("training"):
        if name.startswith(f"ml.{family}."):
            assert price(name, "us-east-1") is not None, name


def test_a_price_of_ones_own_wins_and_the_others_stay(home: Path) -> None:
    own = {"date": "2027-01", "source": "our contract", "prices": {"us-east-1": {"ml.g5.xlarge": 1}}}
    (home / "prices.json").write_text(json.dumps(own))
    found = ask("ml.g5.xlarge")
    assert found.ceiling == 1.0
    assert "$1.00 an hour for 3,600 s (our contract, 2027-01)" in found.text
    assert price("ml.g4dn.xlarge", "us-east-1").source != "our contract"  # type: ignore[union-attr]
    assert price("ml.g5.xlarge", "eu-west-1").source != "our contract"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "no prices by region"),
        ('{"prices": {"us-east-1": 2}}', "no prices by region"),
        ('{"prices": {"us-east-1": {"ml.g5.xlarge": "2"}}}', "ml.g5.xlarge is '2', which is no price"),
        ('{"prices": {"us-east-1": {"ml.g5.xlarge": 0}}}', "is 0, which is no price"),
        ('{"prices": {"us-east-1": {"ml.g5.xlarge": NaN}}}', "is nan, which is no price"),
    ],
)
def test_a_broken_table_of_ones_own_is_refused_in_words(home: Path, text: str, says: str) -> None:
    (home / "prices.json").write_text(text)
    with pytest.raises(SpecError, match=says):
        ask()


# -- time --------------------------------------------------------------------------------------------------------------


def test_without_past_jobs_there_is_no_estimate() -> None:
    found = ask()
    assert found.estimate is None
    assert found.likely is None
    assert "No past job of like size" in found.text


def test_past_jobs_tell_time_and_price_and_how_many_they_are(home: Path) -> None:
    for at, seconds in enumerate((550, 600, 700)):
        done(home, f"job-{at}", rows=100_000, seconds=seconds)
    found = ask()
    assert found.estimate is not None
    assert (found.estimate.seconds, found.estimate.low, found.estimate.high) == pytest.approx((600, 550, 700))
    assert found.likely == pytest.approx(found.price.hourly / 6)  # type: ignore[union-attr]
    assert "By 3 past jobs of like size about 10 min (9 min to 12 min), $0.12." in found.text


def test_rows_are_also_taken_from_a_jobs_result(home: Path) -> None:
    place = done(home, "job", rows=0, seconds=60)
    record = json.loads((place / "job.json").read_text())
    del record["rows"]
    (place / "job.json").write_text(json.dumps(record))
    manifest = place / "output" / "data" / "result" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"rows": 100_000}))
    assert past("ml.g4dn.xlarge", "embedding") == [Past(100_000, None, 60.0)]


def test_only_completed_jobs_of_the_same_kind_count(home: Path) -> None:
    done(home, "other-type", rows=100_000, seconds=60, settings={"instance_type": "ml.g5.xlarge"})
    done(home, "other-mode", rows=100_000, seconds=60, params={"mode": "refit"})
    done(home, "local", rows=100_000, seconds=60, settings=None)
    done(home, "far-smaller", rows=9_999, seconds=60)
    failed = done(home, "failed", rows=100_000, seconds=60)
    (failed / "status.json").write_text(json.dumps({"state": "failed", "begun": 0, "ended": 60}))
    empty = home / "jobs" / "empty"
    empty.mkdir()
    (home / "jobs" / "a file").touch()
    assert ask().estimate is None


def test_a_job_of_twice_the_rows_takes_twice_as_long_as_the_only_one_known() -> None:
    found = estimate([Past(50_000, None, 100.0)], 100_000, 10)
    assert found is not None
    assert found.seconds == pytest.approx(200)


def test_how_time_grows_is_learnt_and_one_odd_job_does_not_turn_it() -> None:
    seen = [Past(rows, None, 10 * rows**0.5) for rows in (20_000, 40_000, 80_000, 160_000, 320_000)]
    odd = Past(40_000, None, 90_000.0)
    found = estimate([*seen, odd], 100_000, 10)
    assert found is not None
    assert found.seconds == pytest.approx(10 * 100_000**0.5, rel=0.1)
    assert found.jobs == 6


def test_columns_count_where_every_job_tells_them() -> None:
    narrow = Past(100_000, 10, 100.0)
    assert estimate([narrow], 100_000, 20).seconds == pytest.approx(200)  # type: ignore[union-attr]
    mixed = estimate([narrow, Past(100_000, None, 100.0)], 100_000, 20)
    assert mixed is not None
    assert mixed.seconds == pytest.approx(100)


def test_a_cost_travels_as_json() -> None:
    found = json.loads(json.dumps(ask(spot=True).to_dict()))
    assert found["ceiling"] == pytest.approx(0.736)
    assert found["text"].startswith("At most about $0.74")
