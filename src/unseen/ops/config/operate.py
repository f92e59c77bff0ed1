"""Sections about running it: gates, drift, service levels, registry, metrics, and who is told of what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from unseen.ops.config.base import (
    Address,
    Count,
    Portion,
    Positive,
    SecretAddress,
    SecretRef,
    Section,
    Share,
    Text,
    Whole,
)
from unseen.ops.config.tolerance import tolerance


class Gates(Section):
    """What a candidate must show to become the champion; all that are configured must pass.

    A gate that raises an error refuses.
    """

    heldout_drop: float | None = Field(default=None, examples=[0.01])
    """Largest loss against the champion in mean log-density per held-out row; below 0 it asks for a gain. If left out
    it goes by the rows of the newest partition: 0.05 up to 500, 0.02 at 2,000, 0.01 from 5,600."""
    memory_drop: float | None = Field(default=None, examples=[0.02])
    """Largest loss against the champion on held-out rows of earlier batches; heldout_drop if left out."""
    reference_drop: float | None = Field(default=None, examples=[0.05])
    """Largest loss against the pinned version on the rows that it was pinned with, so that no series of small losses
    adds up; three times heldout_drop if left out."""
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    """One-sided confidence with which each loss must stay below its limit."""
    drift: tuple[Literal["column", "holes", "fit", "vanished", "shares"], ...] = Field(
        default=("column", "holes", "fit", "vanished"), examples=[["column", "holes"]]
    )
    """What may not have moved in the newest partition: a column or its holes further than the shares of the components
    explain, the density of its rows, a component that vanished. Shares are what retraining is for."""
    first: Literal["refuse", "allow"] = "allow"
    """Whether the first version may be promoted without a champion to compare with."""
    min_heldout: float | None = Field(default=None, examples=[-12.5])
    """Smallest mean log-density per held-out row."""
    min_heldout_rows: Count = 100
    """Fewest held-out rows, or units of rows, that can judge."""
    converged: bool = True
    """Whether the fit must have converged."""
    max_floors: Whole = 0
    """Variance floors that may bind in the last iteration."""
    max_calibration: Share | None = Field(default=None, examples=[0.05])
    """Largest calibration error of responsibilities; models without components pass."""
    max_moved: Share | None = Field(default=None, examples=[0.3])
    """Largest share of rows whose component changed; models without components pass."""
    max_died: Whole | None = Field(default=None, examples=[1])
    """Components of the champion that may be left without a counterpart; models without any pass."""
    min_metric: float | None = Field(default=None, examples=[0.8])
    """Smallest value of validate.metric."""
    metric_drop: Annotated[float, Field(ge=0)] | None = Field(default=None, examples=[0.02])
    """Largest loss of validate.metric against the champion."""

    def loss(self, rows: int) -> float:
        """What may be lost per held-out row: ``heldout_drop``, or what partitions of so many rows can show."""
        return tolerance(rows) if self.heldout_drop is None else self.heldout_drop


class Memory(Section):
    """Held-out rows of promoted partitions, kept in the state folder to judge later candidates. They are data."""

    partitions: Whole = 12
    """Partitions whose rows judge, beside those of the pinned version; 0 keeps none."""
    rows: Count = 5000
    """Most rows that are kept of a partition."""


class Drift(Section):
    """Sequential tests of new data: looking often does not raise the false-alarm rate."""

    false_alarms: Portion = 0.01
    """Probability of any false alarm over a champion's whole life."""
    min_effect: Share = 0.02
    """Shifts smaller than this (total variation distance) are never reported."""
    retrain: bool = False
    """Whether drift calls for a retrain."""


class Slo(Section):
    """Service levels; each becomes recording rules and burn-rate alerts."""

    retrain_success: Portion = 0.99
    """Share of retrains that end well, over the window."""
    window_days: Count = 7
    """Length of the window, in days."""
    max_age_hours: Positive = 36.0
    """Oldest that the newest data may be that was learned from; never before the next partition is late by half of the
    usual time between two."""
    serving_p99_seconds: Positive = 0.25
    """99th percentile of serving latency."""
    serving_success: Portion = 0.999
    """Share of requests that are answered well."""
    page_burn_rate: Positive = 3.0
    """A page, when errors use up their budget this many times too fast."""
    ticket_burn_rate: Positive = 1.0
    """A ticket, when errors use up their budget this many times too fast."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.page_burn_rate < self.ticket_burn_rate:
            yield "page_burn_rate", "lies below ticket_burn_rate"


class Registry(Section):
    """MLflow: by default SQLite and a folder beside the state; nothing has to be started."""

    uri: Text | None = Field(default=None, examples=["http://mlflow:5000"])
    """Tracking server or database; if left out, mlflow.db in the state folder."""
    artifacts: Text | None = Field(default=None, examples=["s3://models/artifacts"])
    """Where artefacts go; if left out, artifacts in the state folder."""
    experiment: Text | None = Field(default=None, examples=["delays-nightly"])
    """MLflow experiment; if left out, the name."""
    also: Literal["wandb"] | None = Field(default=None, examples=["wandb"])
    """A second tracker that is told of every run: Weights & Biases, as its WANDB_ variables say."""

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

    versions: Count = 10
    """Artefacts of so many of the newest versions, and of the last champions, stay."""
    runs: Count = 100
    """Folders of so many of the newest retrains stay."""
    events_days: Count = 365
    """Lines of events.jsonl stay for so many days."""


class Metrics(Section):
    """Where batch jobs leave their metrics for Prometheus."""

    textfile: Annotated[str, Field(pattern=r"\.prom$", description="path that ends in .prom")] | None = Field(
        default=None, examples=["/var/lib/node_exporter/delays.prom"]
    )
    """File for node_exporter, ending in .prom; if left out, metrics/NAME.prom in the state folder."""
    pushgateway: Address | None = Field(default=None, examples=["http://pushgateway:9091"])
    """Pushgateway to push to as well."""
    username: Text | None = Field(default=None, examples=["unseen"])
    """User name at the Pushgateway."""
    password: SecretRef | None = Field(default=None, examples=["env:PUSHGATEWAY_PASSWORD"])
    """Password at the Pushgateway, by reference."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if (self.username is None) != (self.password is None):
            key, other = ("password", "username") if self.username is None else ("username", "password")
            yield key, f"needs metrics.{other} too"
        if self.username is not None and self.pushgateway is None:
            yield "username", "is for metrics.pushgateway, which is not set"


Mailbox = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="mail address")]


class Route(Section):
    """Where alerts of one severity go; several ways may be given, and all are used."""

    webhook: SecretAddress | None = Field(default=None, examples=["env:ALERT_WEBHOOK"])
    """Address that alerts are posted to, or a secret reference to it."""
    email: Mailbox | None = Field(default=None, examples=["oncall@example.org"])
    """Mailbox; needs alerts.smarthost and alerts.sender."""
    slack: SecretRef | None = Field(default=None, examples=["env:SLACK_WEBHOOK"])
    """Slack webhook, by reference."""
    channel: Text | None = Field(default=None, examples=["#oncall"])
    """Slack channel."""
    pagerduty: SecretRef | None = Field(default=None, examples=["file:/run/secrets/pagerduty"])
    """PagerDuty routing key, by reference."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.channel is not None and self.slack is None:
            yield "channel", "is for slack, which is not set"


class Alerts(Section):
    """Pages wake someone up; tickets wait for the morning. `unseen alerts` writes the configuration."""

    page: Route = Route()
    """Where pages go."""
    ticket: Route = Route()
    """Where tickets go."""
    smarthost: Annotated[str, Field(pattern=r"^[^\s@/]+:[0-9]{1,5}$", description="host:port")] | None = Field(
        default=None, examples=["mail.example.org:587"]
    )
    """Mail server as host:port, for email routes."""
    sender: Mailbox | None = Field(default=None, examples=["unseen@example.org"])
    """Sender of alert mails, for email routes."""
    runbooks: Text = "docs/runbooks/"
    """Address that links to runbook pages begin with, or a folder, from the folder of this file."""
    group_wait_seconds: Positive = 30.0
    """Wait for more alerts of the same failure before the first is sent."""
    repeat_hours: Positive = 4.0
    """Say it again after so long, if nothing has changed."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        for route in ("page", "ticket"):
            if getattr(self, route).email is not None and (self.smarthost is None or self.sender is None):
                yield f"{route}.email", "needs alerts.smarthost and alerts.sender"
