"""One way to AWS: clients with time-outs and back-off, and errors in words that name the way out.

Credentials come through boto3's own chain and are never read, kept or printed here. boto3 is imported when the first
client is made: it belongs to the extra ``aws``.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from segwidgets.data.errors import missing_extra

#: Seconds to connect, seconds without a byte, and how often a call is tried in all (throttling backs off between).
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
ATTEMPTS = 6

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"}


class AWSError(RuntimeError):
    """AWS refused what it was asked for, or is not there; ``code`` is AWS's own word, "" where it said none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class CredentialsError(AWSError):
    """There are no credentials, or they hold no more."""


class UnreachableError(AWSError):
    """The network failed under a call: nobody knows whether AWS did what it was asked for."""


class Cloud:
    """An account and a region of AWS.

    Args:
        region: "eu-central-1" and the like; that of the environment or of AWS's configuration by default.
        endpoint: another address for every service, as ``$AWS_ENDPOINT_URL`` names one.

    Raises:
        AWSError: no region is known.
        MissingExtraError: boto3 is not installed.
    """

    def __init__(self, region: str | None = None, *, endpoint: str | None = None) -> None:
        try:
            import boto3
        except ImportError as error:
            raise missing_extra("aws", "AWS") from error
        self.session: Any = boto3.Session(region_name=region)
        self.endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        if not self.session.region_name:
            raise AWSError(
                "no AWS region is known: give region='eu-central-1' (or yours), set AWS_DEFAULT_REGION, or run "
                "'aws configure'."
            )

    @property
    def region(self) -> str:
        """The region that every client talks to."""
        return str(self.session.region_name)

    def client(self, service: str) -> Any:
        """A boto3 client, made once; it retries and backs off by itself when AWS throttles."""
        with self._lock:
            if service not in self._clients:
                from botocore.config import Config

                config = Config(
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT,
                    retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
                    user_agent_extra="segwidgets",
                )
                with explained(f"a client for {service} was made"):
                    self._clients[service] = self.session.client(service, config=config, endpoint_url=self.endpoint)
            return self._clients[service]

    @functools.cached_property
    def caller(self) -> dict[str, str]:
        """Who asks: ``Account``, ``Arn`` and ``UserId``. Raises AWSError."""
        with explained("the caller was asked for"):
            said = self.client("sts").get_caller_identity()
        return {key: str(said[key]) for key in ("Account", "Arn", "UserId")}

    @property
    def account(self) -> str:
        """The account's number."""
        return self.caller["Account"]


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Errors of boto3 inside become AWSError: in words, with the way out. ``doing`` says what was being done."""
    try:
        yield
    except Exception as error:
        told = in_words(error, doing)
        if told is None:
            raise
        raise told from error


def in_words(error: Exception, doing: str) -> AWSError | None:
    """The AWSError that stands for an error of boto3's, or None where it is another's."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return None
    if isinstance(error, ClientError):
        return _refusal(error, doing)
    return _not_asked(error, doing) if isinstance(error, BotoCoreError) else None


def _not_asked(error: Any, doing: str) -> AWSError:
    from botocore import exceptions as known

    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError | known.CredentialRetrievalError):
        return CredentialsError(
            f"AWS has no credentials to go by while {doing}: on a notebook instance they are its role's; elsewhere run "
            "'aws configure' or 'aws sso login'."
        )
    if isinstance(error, known.SSOError | known.TokenRetrievalError):
        return CredentialsError(f"the AWS sign-in has expired while {doing}: run 'aws sso login'. ({error})")
    if isinstance(error, known.HTTPClientError | known.ConnectionError):
        return UnreachableError(f"AWS could not be reached while {doing}: {error}. Look at the network and try again.")
    return AWSError(f"AWS could not be asked while {doing}: {error}")


def _refusal(error: Any, doing: str) -> AWSError:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message") or error)
    if code in _EXPIRED:
        return CredentialsError(
            f"the AWS credentials have expired while {doing}: renew them ('aws sso login', or what your team uses) and "
            "try again.",
            code,
        )
    if code in _UNKNOWN_KEY:
        return CredentialsError(
            f"AWS does not know these credentials ({code}) while {doing}: run 'aws configure'.", code
        )
    if code in _REFUSED:
        return AWSError(f"AWS refused it while {doing}: {message}. The caller's role needs that permission.", code)
    if code in _THROTTLED:
        return AWSError(f"AWS was asked too often while {doing} ({code}): wait a minute and try again.", code)
    return AWSError(f"AWS refused it while {doing}: {message}" + (f" ({code})" if code else ""), code)
