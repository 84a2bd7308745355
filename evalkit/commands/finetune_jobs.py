"""``evalkit finetune submit`` and ``status``: start a job at an endpoint, and follow it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.commands.numbers import FiniteRange

if TYPE_CHECKING:
    from evalkit.finetune.jobs import Endpoint, Job, Upload

URL = "https://api.openai.com/v1"
base_url_option = click.option(
    "--base-url",
    default=URL,
    show_default=True,
    help="Any endpoint with /files and /fine_tuning/jobs.",
)
key_option = click.option(
    "--api-key-env",
    default="OPENAI_API_KEY",
    show_default=True,
    help="The environment variable that holds the key.",
)


@click.command("submit")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--model", required=True, help="The model to tune.")
@base_url_option
@key_option
@click.option(
    "--epochs", type=click.IntRange(1, 50), help="Passes over the data. [the endpoint's choice]"
)
@click.option("--price-per-million", type=FiniteRange(0), help="Price of a million trained tokens.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def submit_command(
    file: Path,
    model: str,
    base_url: str,
    api_key_env: str,
    epochs: int | None,
    price_per_million: float | None,
    *,
    yes: bool,
) -> int:
    """Upload FILE (chat JSONL) and start a fine-tuning job, once you agree to its size and price."""
    from evalkit.finetune.jobs import Endpoint, upload_of

    upload = upload_of(file, epochs=epochs, price=price_per_million)
    endpoint = Endpoint(base_url, api_key_env)
    click.echo(upload.told())
    _warn(upload)
    if not yes:
        _agree(f"Upload to {endpoint.base_url} and tune {model}?")
    job = endpoint.submit(upload, model, epochs)
    click.echo(f"job {job.id}: {job.status}")
    beside = "" if base_url == URL else f" --base-url {base_url}"
    key = "" if api_key_env == "OPENAI_API_KEY" else f" --api-key-env {api_key_env}"
    click.echo(
        f"  evalkit finetune status {job.id}{beside}{key} --follow --add-to systems.yaml --name tuned"
    )
    return 0


def _warn(upload: Upload) -> None:
    """Say what should not leave the house."""
    from evalkit.finetune.chat_file import read_chat_file
    from evalkit.finetune.personal_data import personal_data

    rows = read_chat_file(upload.file)
    concerned = sum(any(personal_data(turn.content) for turn in row) for row in rows)
    if concerned:
        click.echo(
            f"warning: {concerned} rows hold personal data; `evalkit finetune audit` says where",
            err=True,
        )


def _agree(question: str) -> None:
    """Ask; no is the end, and so is a script that cannot answer."""
    from evalkit.errors import NothingToDo, UsageError

    try:
        agreed = click.confirm(question, default=False)
    except click.Abort as stop:
        if isinstance(stop.__context__, EOFError):
            raise UsageError("nobody is there to agree; --yes agrees beforehand") from None
        raise
    if not agreed:
        raise NothingToDo("nothing was uploaded")


@click.command("status")
@click.argument("job_id", metavar="JOB")
@base_url_option
@key_option
@click.option("--follow", is_flag=True, help="Ask again until the job is over.")
@click.option(
    "--every",
    type=FiniteRange(0.05),
    default=15.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option(
    "--add-to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add the tuned model to this systems file.",
)
@click.option("--name", default="tuned", show_default=True, help="The name of the new system.")
def status_command(
    job_id: str,
    base_url: str,
    api_key_env: str,
    *,
    follow: bool,
    every: float,
    add_to: Path | None,
    name: str,
) -> int:
    """How JOB stands; --follow waits for its end, --add-to makes the tuned model a system to evaluate."""
    from evalkit.errors import EndpointUnusable
    from evalkit.finetune.jobs import Endpoint

    endpoint = Endpoint(base_url, api_key_env)
    job = _followed(endpoint, job_id, every) if follow else endpoint.status(job_id)
    if not follow:
        _tell(job)
    if job.status in ("failed", "cancelled"):
        why = job.error or "the endpoint gives no reason"
        raise EndpointUnusable(f"job {job.id} {job.status}: {why}")
    if job.model and add_to is not None:
        _add(add_to, name, job.model, endpoint.base_url, api_key_env)
    elif add_to is not None:
        click.echo(f"{add_to}: unchanged, the job is not over; --follow waits for it", err=True)
    return 0


def _followed(endpoint: Endpoint, job_id: str, every: float) -> Job:
    try:
        return endpoint.follow(job_id, every, _tell)
    except KeyboardInterrupt:
        message = f"stopped looking; job {job_id} goes on at the endpoint"
        raise KeyboardInterrupt(message) from None


def _tell(job: Job) -> None:
    more: dict[str, Any] = {"model": job.model, "trained tokens": job.trained_tokens}
    told = ", ".join(f"{what} {value}" for what, value in more.items() if value)
    click.echo(f"job {job.id}: {job.status}" + (f" ({told})" if told else ""))


def _add(file: Path, name: str, model: str, base_url: str, key_variable: str) -> None:
    from evalkit.finetune.systems_entry import add_entry

    add_entry(file, name, model, base_url, key_variable)
    click.echo(f"{file}: system {name} added ({model})")
    click.echo(f"  evalkit run SUITE --systems {file} --system {name}")
