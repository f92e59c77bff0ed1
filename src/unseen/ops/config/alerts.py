"""The section about alerts: who is told of what, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from unseen.ops.config.base import Positive, SecretAddress, SecretRef, Section, Text, clash

Mailbox = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="mail address")]


class Route(Section):
    """Where alerts of one severity go; several ways may be given, and all are used."""

    webhook: SecretAddress | None = Field(
        default=None,
        description="Address that alerts are posted to, or a secret reference to it.",
        examples=["env:ALERT_WEBHOOK"],
    )
    email: Mailbox | None = Field(
        default=None, description="Mailbox; needs alerts.smarthost and alerts.sender.", examples=["oncall@example.org"]
    )
    slack: SecretRef | None = Field(
        default=None, description="Slack webhook, by reference.", examples=["env:SLACK_WEBHOOK"]
    )
    channel: Text | None = Field(default=None, description="Slack channel.", examples=["#oncall"])
    pagerduty: SecretRef | None = Field(
        default=None, description="PagerDuty routing key, by reference.", examples=["file:/run/secrets/pagerduty"]
    )

    @model_validator(mode="after")
    def _slack(self) -> Route:
        if self.channel is not None and self.slack is None:
            raise clash("channel", "is for slack, which is not set")
        return self


class Alerts(Section):
    """Pages wake someone up; tickets wait for the morning. `unseen alerts` writes the configuration."""

    page: Route = Field(default=Route(), description="Where pages go.")
    ticket: Route = Field(default=Route(), description="Where tickets go.")
    smarthost: Annotated[str, Field(pattern=r"^[^\s@/]+:[0-9]{1,5}$", description="host:port")] | None = Field(
        default=None, description="Mail server as host:port, for email routes.", examples=["mail.example.org:587"]
    )
    sender: Mailbox | None = Field(
        default=None, description="Sender of alert mails, for email routes.", examples=["unseen@example.org"]
    )
    runbooks: Text = Field(
        default="docs/runbooks/",
        description="Address that links to runbook pages begin with, or a folder, from the folder of this file.",
    )
    group_wait_seconds: Positive = Field(
        default=30.0, description="Wait for more alerts of the same failure before the first is sent."
    )
    repeat_hours: Positive = Field(default=4.0, description="Say it again after so long, if nothing has changed.")

    @model_validator(mode="after")
    def _mail(self) -> Alerts:
        for route in ("page", "ticket"):
            if getattr(self, route).email is not None and (self.smarthost is None or self.sender is None):
                raise clash(f"{route}.email", "needs alerts.smarthost and alerts.sender")
        return self
