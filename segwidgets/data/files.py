"""Files: frames and sparse matrices out of Parquet, CSV, .npz and .npy, on this machine or behind a URL."""

from __future__ import annotations

import contextlib
import lzma
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from segwidgets.data.errors import DataError, missing_extra

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = (".parquet", ".pq")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
_ENDINGS = ".parquet, .pq, .csv, .tsv (also .gz, .bz2, .xz), .npz, .npy, or a directory written by Table.save"

#: How people write "missing" in a column of numbers.
_MISSING_NUMBERS = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "none", "<NA>")


def is_url(source: object) -> bool:
    """Whether ``source`` is a URL, which goes through fsspec, and no path of this machine."""
    return isinstance(source, str) and "://" in source


class Location:
    """A file or directory, on this machine or anywhere that fsspec reaches.

    Raises DataError where it does not exist or cannot be reached, MissingExtraError where the URL's protocol needs
    a package that is not installed.
    """

    def __init__(self, source: str | Path, storage_options: Mapping[str, Any] | None = None) -> None:
        self.text = str(source)
        if not is_url(source):
            if storage_options:
                raise DataError(
                    f"storage_options are for URLs such as s3://…, {self.text!r} is a path of this machine."
                )
            self._filesystem: Any = None
            self.path = str(Path(source).expanduser())
        else:
            self._filesystem, self.path = self._connect(dict(storage_options or {}))
        pure = PurePosixPath(self.path)
        self.packed = _PACKED.get(pure.suffix.lower())
        bare = pure.with_suffix("") if self.packed else pure
        self.ending, self.stem = bare.suffix.lower(), bare.stem
        with self.reaching():
            self.is_directory = self._filesystem.isdir(self.path) if self._filesystem else Path(self.path).is_dir()
            exists = self.is_directory or (
                self._filesystem.exists(self.path) if self._filesystem else Path(self.path).exists()
            )
        if not exists:
            raise DataError(f"{self.text} does not exist." + ("" if self._filesystem else f" Looked in {Path.cwd()}."))

    def _connect(self, options: dict[str, Any]) -> tuple[Any, str]:
        import fsspec

        protocol = self.text.split("://", 1)[0]
        if protocol.startswith("s3"):
            # A listing kept from an earlier read would hide a file written since.
            options.setdefault("use_listings_cache", False)
        try:
            filesystem, path = fsspec.core.url_to_fs(self.text, **options)
        except ImportError as error:
            if protocol in {"s3", "s3a"}:
                raise missing_extra("aws", f"Reading {protocol}://") from error
            raise DataError(f"{self.text}: {error}") from error
        except ValueError as error:
            raise DataError(f"{self.text}: {error}") from error
        return filesystem, path

    @contextlib.contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn what goes wrong on the way to the bytes into a DataError that names the location."""
        try:
            yield
        except FileNotFoundError as error:
            raise DataError(f"{self.text} does not exist.") from error
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{self.text} cannot be read: {error}") from error
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            raise DataError(f"{self.text} cannot be reached: {error}") from error

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file's bytes."""
        opened = self._filesystem.open if self._filesystem else open
        with self.reaching(), opened(self.path, "rb") as file:
            yield file

    @property
    def is_frame(self) -> bool:
        """Whether a frame can be read from it (Parquet or CSV), going by its ending."""
        return self.ending in _PARQUET or self.ending in _SEPARATORS

    def frame(self, columns: Sequence[str] | None = None, as_text: Sequence[str] = ()) -> pd.DataFrame:
        """The frame in a Parquet or CSV file.

        Args:
            columns: read these only, which must be there; None reads all.
            as_text: columns that stay text in a CSV file, such as ids with leading zeros.
        """
        if self.ending in _PARQUET:
            with self.reaching(), _readable_parquet(self.text):
                table = self._parquet_set().read(columns=columns, use_pandas_metadata=columns is None)
                frame: pd.DataFrame = table.to_pandas(split_blocks=True)
            return frame
        frame = self._csv(columns, as_text)
        for name in frame.columns.difference(list(as_text)):
            if not _is_numeric(frame[name]):
                frame[name] = _numbers_with_gaps(frame[name])
        return frame

    def _parquet_set(self) -> Any:
        """The file, or a directory of parts: Spark writes those."""
        import pyarrow.parquet as pq

        with self.reaching(), _readable_parquet(self.text):
            return pq.ParquetDataset(self.path, filesystem=self._filesystem)

    def array(self) -> Any:
        """The scipy.sparse matrix in an .npz file or the NumPy array in an .npy file; DataError for anything else."""
        if self.ending not in {".npz", ".npy"} or self.packed:
            ending = (
                f"the ending {PurePosixPath(self.path).suffix!r}" if PurePosixPath(self.path).suffix else "no ending"
            )
            raise DataError(f"{self.text} has {ending}, which says nothing that can be read. Known: {_ENDINGS}.")
        with self.open() as file:
            try:
                if self.ending == ".npy":
                    return np.load(file, allow_pickle=False)
                from scipy import sparse

                return sparse.load_npz(file)
            except Exception as error:
                if isinstance(error, OSError):
                    raise
                wanted = "a matrix written by scipy.sparse.save_npz" if self.ending == ".npz" else "an array of numbers"
                raise DataError(f"{self.text} is not {wanted} ({type(error).__name__}: {error}).") from error

    def _csv(self, columns: Sequence[str] | None, as_text: Sequence[str], n_rows: int | None = None) -> pd.DataFrame:
        import pandas as pd

        try:
            with self.open() as file:
                read_csv: Any = pd.read_csv  # its packings are typed as literals
                frame: pd.DataFrame = read_csv(
                    file,
                    sep=_SEPARATORS[self.ending],
                    compression=self.packed,
                    usecols=None if columns is None else list(columns),
                    dtype=dict.fromkeys(as_text, str),
                    nrows=n_rows,
                    # Only an empty field is missing in a text ("NA" is Namibia); `with_gaps` looks at the numbers.
                    keep_default_na=False,
                    na_values=[""],
                    low_memory=False,
                    **_exact_numbers(pd.__version__),
                )
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise DataError(f"{self.text} is not a CSV file that can be read: {error}") from error
        return frame

    def names(self) -> list[str]:
        """The names of the columns in a Parquet or CSV file, without reading the rest."""
        if self.ending in _PARQUET:
            return list(self._parquet_set().schema.names)
        return [str(name) for name in self._csv(None, (), n_rows=0).columns]


def _exact_numbers(pandas_version: str) -> dict[str, str]:
    """How to have pandas parse numbers to the last bit, on which the digest depends: by default only since 3.1."""
    major, minor = (int(part) for part in pandas_version.split(".")[:2])
    return {"float_precision": "round_trip"} if (major, minor) < (3, 1) else {}


@contextlib.contextmanager
def _readable_parquet(text: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except pa.ArrowInvalid as error:
        raise DataError(f"{text} is not a Parquet file that can be read: {error}") from error


def _is_numeric(series: pd.Series[Any]) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(series.dtype)


def _numbers_with_gaps(series: pd.Series[Any]) -> pd.Series[Any]:
    """A text column as numbers where all of it but ways to write "missing" are numbers, else as it was."""
    import pandas as pd

    rest = series.mask(series.isin(_MISSING_NUMBERS))
    if rest.isna().sum() == series.isna().sum() or not rest.notna().any():
        return series
    try:
        return pd.to_numeric(rest)
    except (TypeError, ValueError):
        return series


def no_such_source(source: object) -> DataError:
    """The error for a thing that is no source of rows."""
    kinds = ["a pandas DataFrame", "a NumPy array", "a scipy.sparse matrix", f"a path or URL of {_ENDINGS}"]
    return DataError(f"cannot read a {type(source).__name__}: give {', '.join(kinds[:-1])}, or {kinds[-1]}.")
