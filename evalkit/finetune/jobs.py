"""Fine-tuning jobs at any endpoint that speaks OpenAI's /files and /fine_tuning/jobs: start one, follow it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evalkit.adapters.secrets import Secrets, key_from_environment
from evalkit.errors import EndpointUnusable, InvalidInput
from evalkit.finetune.chat_file import read_chat_file
from evalkit.finetune.coverage import A_TURN, LEAST
from evalkit.local.usage import estimate_tokens

if TYPE_CHECKING:
    from openai import OpenAI

BASE_URL = "https://api.openai.com/v1"
EPOCHS = 3  # what endpoints usually choose for a few hundred rows; for the price estimate only
OVER = ("succeeded", "failed", "cancelled")
TIMEOUT = 120.0  # seconds for one request, the upload included


@dataclass(frozen=True, slots=True)
class Upload:
    """What is about to be uploaded; tokens are estimated (four bytes each), cost is None without a price."""

    file: Path
    rows: int
    tokens: int
    epochs: int
    price: float | None

    @property
    def cost(self) -> float | None:
        """Price of all tokens over all epochs."""
        return None if self.price is None else self.tokens * self.epochs * self.price / 1e6

    def told(self) -> str:
        """One line for whoever has to agree."""
        cost = (
            "unknown (give --price-per-million)" if self.cost is None else f"about {self.cost:.2f}"
        )
        return (
            f"{self.file}: {self.rows} examples, about {self.tokens} tokens x {self.epochs} epochs "
            f"= {self.tokens * self.epochs} trained tokens (estimated), price {cost}"
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the endpoint tells it; ``model`` is the tuned model once it succeeded, else None."""

    id: str
    status: str
    base: str
    model: str | None
    trained_tokens: int | None
    error: str | None


def upload_of(file: Path, *, epochs: int | None, price: float | None) -> Upload:
    """Check the chat file and count it. Raises ``InvalidInput`` naming line and field."""
    rows = read_chat_file(file)
    if len(rows) < LEAST:
        message = f"holds {len(rows)} examples; endpoints want {LEAST} at least"
        raise InvalidInput(message, file=file)
    tokens = sum(estimate_tokens(turn.content) + A_TURN for row in rows for turn in row)
    return Upload(file, len(rows), tokens, epochs or EPOCHS, price)


class Endpoint:
    """The two resources of one endpoint, through the openai package and without its own retries."""

    def __init__(self, base_url: str, key_variable: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InvalidInput("--base-url is not an http(s) URL without credentials")
        self.base_url = base_url.rstrip("/")
        self._variable = key_variable
        self._keyless = key_from_environment(key_variable, base_url) is None

    def submit(self, upload: Upload, model: str, epochs: int | None) -> Job:
        """Upload the file and start a job."""
        with self._client() as client, self._told("files"):
            stored = client.files.create(
                file=(upload.file.name, upload.file.read_bytes()),
                purpose="fine-tune",
                extra_headers=self._headers(),
            )
        settings: dict[str, Any] = {"hyperparameters": {"n_epochs": epochs}} if epochs else {}
        with self._client() as client, self._told("fine_tuning/jobs"):
            return _job(
                client.fine_tuning.jobs.create(
                    model=model, training_file=stored.id, extra_headers=self._headers(), **settings
                )
            )

    def status(self, job_id: str) -> Job:
        """How a job stands."""
        with self._client() as client, self._told(f"fine_tuning/jobs/{job_id}"):
            return _job(client.fine_tuning.jobs.retrieve(job_id, extra_headers=self._headers()))

    def follow(self, job_id: str, every: float, on_change: Callable[[Job], None]) -> Job:
        """Ask every ``every`` seconds until the job is over; each new status is told."""
        last = None
        while True:
            job = self.status(job_id)
            if job.status != last:
                on_change(job)
                last = job.status
            if job.status in OVER:
                return job
            time.sleep(every)

    def _headers(self) -> Any:
        """No Authorization at all where no key is set (a server on this machine)."""
        import openai

        return {"Authorization": openai.Omit()} if self._keyless else None

    @contextmanager
    def _client(self) -> Iterator[OpenAI]:
        import openai

        with openai.OpenAI(
            api_key=os.environ.get(self._variable, "").strip() or "none",
            base_url=self.base_url,
            max_retries=0,
            timeout=TIMEOUT,
            http_client=openai.DefaultHttpxClient(follow_redirects=False, trust_env=False),
        ) as client:
            yield client

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What the package raises as one sentence that says what to look at; the key is never in it."""
        import openai

        key = os.environ.get(self._variable, "").strip()
        where = f"{self.base_url}/{path}"
        try:
            yield
        except openai.APIStatusError as error:
            said = Secrets([key]).redact(" ".join(str(error.message).split())[:300])
            hint = _HINTS.get(error.status_code, "").format(variable=self._variable)
            raise EndpointUnusable(f"{where}: {error.status_code}{hint} ({said})") from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise EndpointUnusable(f"{where}: cannot be reached ({cause})") from None
        except openai.OpenAIError as error:
            raise EndpointUnusable(f"{where}: no usable reply ({error})") from None


_HINTS = {
    400: ", the endpoint refuses the file or the model",
    401: ", the key is not accepted: check the variable {variable}",
    403: ", the key in {variable} may not do this",
    404: ", there is no such thing: check --base-url (most end in /v1), the job id, and that the endpoint can fine-tune",
    429: ", too many requests or no credit left",
}


def _job(given: Any) -> Job:
    error = getattr(given.error, "message", None) if given.error else None
    return Job(
        id=str(given.id),
        status=str(given.status),
        base=str(given.model),
        model=given.fine_tuned_model or None,
        trained_tokens=given.trained_tokens,
        error=error or None,
    )
