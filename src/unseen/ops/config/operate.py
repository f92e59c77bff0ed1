"""Sections about running it: gates, drift, service levels, registry, metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from unseen.ops.config.alerts import Alerts, Route
from unseen.ops.config.base import Address, Count, Portion, Positive, SecretRef, Section, Share, Text, clash


class Gates(Section):
    """What a candidate must show to become the champion; all that are configured must pass.

    A gate that raises an error refuses.
    """

    heldout_drop: float | None = Field(
        default=None,
        description="Largest loss against the champion in mean log-density per held-out row; below 0 it asks for a "
        "gain. If left out it goes by the rows of the newest partition: 0.05 up to 500, 0.02 at "
        "2,000, 0.01 from 5,600.",
        examples=[0.01],
    )
    memory_drop: float | None = Field(
        default=None,
        description="Largest loss against the champion on held-out rows of earlier batches; heldout_drop if left out.",
        examples=[0.02],
    )
    reference_drop: float | None = Field(
        default=None,
        description="Largest loss against the pinned version on the rows that it was pinned with, so that no series of "
        "small losses adds up; three times heldout_drop if left out.",
        examples=[0.05],
    )
    confidence: float = Field(
        default=0.95,
        ge=0.5,
        lt=1,
        description="One-sided confidence with which each loss must stay below its limit.",
    )
    drift: tuple[Literal["column", "holes", "fit", "vanished", "shares"], ...] = Field(
        default=("column", "holes", "fit", "vanished"),
        description="What may not have moved in the newest partition: a column or its holes further than the shares "
        "of the components explain, the density of its rows, a component that vanished. Shares are what retraining is "
        "for.",
        examples=[["column", "holes"]],
    )
    first: Literal["refuse", "allow"] = Field(
        default="allow", description="Whether the first version may be promoted without a champion to compare with."
    )
    min_heldout: float | None = Field(
        default=None, description="Smallest mean log-density per held-out row.", examples=[-12.5]
    )
    min_heldout_rows: Count = Field(default=100, description="Fewest held-out rows, or units of rows, that can judge.")
    converged: bool = Field(default=True, description="Whether the fit must have converged.")
    max_floors: int = Field(default=0, ge=0, description="Variance floors that may bind in the last iteration.")
    max_calibration: Share | None = Field(
        default=None,
        description="Largest calibration error of responsibilities; models without components pass.",
        examples=[0.05],
    )
    max_moved: Share | None = Field(
        default=None,
        description="Largest share of rows whose component changed; models without components pass.",
        examples=[0.3],
    )
    max_died: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Components of the champion that may be left without a counterpart; models without any pass.",
        examples=[1],
    )
    min_metric: float | None = Field(default=None, description="Smallest value of validate.metric.", examples=[0.8])
    metric_drop: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="Largest loss of validate.metric against the champion.", examples=[0.02]
    )


class Memory(Section):
    """Held-out rows of promoted partitions, kept in the state folder to judge later candidates. They are data."""

    partitions: Annotated[int, Field(ge=0)] = Field(
        default=12, description="Partitions whose rows judge, beside those of the pinned version; 0 keeps none."
    )
    rows: Count = Field(default=5000, description="Most rows that are kept of a partition.")


class Drift(Section):
    """Sequential tests of new data: looking often does not raise the false-alarm rate."""

    false_alarms: Portion = Field(
        default=0.01, description="Probability of any false alarm over a champion's whole life."
    )
    min_effect: Share = Field(
        default=0.02, description="Shifts smaller than this (total variation distance) are never reported."
    )
    retrain: bool = Field(default=False, description="Whether drift calls for a retrain.")


class Slo(Section):
    """Service levels; each becomes recording rules and burn-rate alerts."""

    retrain_success: Portion = Field(default=0.99, description="Share of retrains that end well, over the window.")
    window_days: Count = Field(default=7, description="Length of the window, in days.")
    max_age_hours: Positive = Field(
        default=36.0,
        description="Oldest that the newest data may be that was learned from; never before the next partition is late "
        "by half of the usual time between two.",
    )
    serving_p99_seconds: Positive = Field(default=0.25, description="99th percentile of serving latency.")
    serving_success: Portion = Field(default=0.999, description="Share of requests that are answered well.")
    page_burn_rate: Positive = Field(
        default=3.0, description="A page, when errors use up their budget this many times too fast."
    )
    ticket_burn_rate: Positive = Field(
        default=1.0, description="A ticket, when errors use up their budget this many times too fast."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Slo:
        if self.page_burn_rate < self.ticket_burn_rate:
            raise clash("page_burn_rate", "lies below ticket_burn_rate")
        return self


class Registry(Section):
    """MLflow: by default SQLite and a folder beside the state; nothing has to be started."""

    uri: Text | None = Field(
        default=None,
        description="Tracking server or database; if left out, mlflow.db in the state folder.",
        examples=["http://mlflow:5000"],
    )
    artifacts: Text | None = Field(
        default=None,
        description="Where artefacts go; if left out, artifacts in the state folder.",
        examples=["s3://models/artifacts"],
    )
    experiment: Text | None = Field(
        default=None, description="MLflow experiment; if left out, the name.", examples=["delays-nightly"]
    )
    also: Literal["wandb"] | None = Field(
        default=None,
        description="A second tracker that is told of every run: Weights & Biases, as its WANDB_ variables say.",
        examples=["wandb"],
    )

    @field_validator("uri")
    @classmethod
    def _no_password(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite:///", "http://", "https://")):
            raise ValueError("must begin with sqlite:///, http:// or https://")
        if value is not None and "@" in value.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "must not hold a user name or password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        return value


class Retain(Section):
    """What `unseen prune` leaves: never less than champion, challenger, pinned versions and what they need."""

    versions: Count = Field(
        default=10, description="Artefacts of so many of the newest versions, and of the last champions, stay."
    )
    runs: Count = Field(default=100, description="Folders of so many of the newest retrains stay.")
    events_days: Count = Field(default=365, description="Lines of events.jsonl stay for so many days.")


class Metrics(Section):
    """Where batch jobs leave their metrics for Prometheus."""

    textfile: Annotated[str, Field(pattern=r"\.prom$", description="path that ends in .prom")] | None = Field(
        default=None,
        description="File for node_exporter, ending in .prom; if left out, metrics/NAME.prom in the state folder.",
        examples=["/var/lib/node_exporter/delays.prom"],
    )
    pushgateway: Address | None = Field(
        default=None, description="Pushgateway to push to as well.", examples=["http://pushgateway:9091"]
    )
    username: Text | None = Field(default=None, description="User name at the Pushgateway.", examples=["unseen"])
    password: SecretRef | None = Field(
        default=None, description="Password at the Pushgateway, by reference.", examples=["env:PUSHGATEWAY_PASSWORD"]
    )

    @model_validator(mode="after")
    def _pair(self) -> Metrics:
        if (self.username is None) != (self.password is None):
            key, other = ("password", "username") if self.username is None else ("username", "password")
            raise clash(key, f"needs metrics.{other} too")
        if self.username is not None and self.pushgateway is None:
            raise clash("username", "is for metrics.pushgateway, which is not set")
        return self


__all__ = ["Alerts", "Drift", "Gates", "Memory", "Metrics", "Registry", "Retain", "Route", "Slo"]
