"""A profile is checked before anything runs; each fault is one clear sentence."""

import json
import re
from pathlib import Path

import pytest

from lembas.profiles import Download, Profile, read_profile

ROOT = Path(__file__).resolve().parents[1]


def write(root: Path, text: str) -> None:
    (root / "profiles").mkdir(exist_ok=True)
    (root / "profiles" / "mine.yml").write_text(text)


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yml")), ids=lambda p: p.stem)
def test_profiles_of_the_project_are_valid(path: Path) -> None:
    assert read_profile(path.stem, ROOT).name == path.stem


def test_a_profile_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        "title: Mine\ndata: {folder: d, files: [a.tsv]}\nthreads: {default: 1, 04_fit: 2}\n"
        "time_out_s: {04_fit: 9}\nchapters: {04_fit: {seed: 3}}\n",
    )
    profile = read_profile("mine", tmp_path)
    assert profile.data.folder == "d"
    assert profile.data.files == ("a.tsv",)
    assert (profile.threads_of("04_fit"), profile.threads_of("05_test")) == (2, 1)
    assert (profile.time_out_of("04_fit"), profile.time_out_of("05_test")) == (9, 1800)
    assert profile.chapters["04_fit"] == {"seed": 3}


@pytest.mark.parametrize(
    ("text", "is_measured"),
    [
        ("", False),
        ("chapters: {01_data: {source: simulation}}\n", False),
        ("chapters: {01_data: {source: study}}\n", True),
        ("data: {files: [a.tsv]}\n", True),
    ],
)
def test_whether_a_profile_reads_files(tmp_path: Path, text: str, is_measured: bool) -> None:
    write(tmp_path, f"title: A\n{text}")
    assert read_profile("mine", tmp_path).is_measured is is_measured


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: A\nsead: 3\n", "unknown key(s): sead; known keys: address, banner, cards"),
        ("title: A\ndata: {fodler: x}\n", "section data, has unknown key(s): fodler"),
        ("title: A\naddress: report\n", "`address` is 'report'; expected the folder on the web"),
        ("title: 3\n", "`title` must be text, not a whole number"),
        ("title: A\nsimulated: maybe\n", "`simulated` must be true or false, not text"),
        ("title: A\nchapters: [a]\n", "`chapters` must be a mapping"),
        (
            "title: A\nchapters: {01_data: 3}\n",
            "must hold `parameter: value` lines",
        ),
        ("title: A\ndata: {files: a.tsv}\n", "`data.files` must be a list of file names"),
        ("title: A\ndata: {folder: 3}\n", "`data.folder` must be text"),
        ("title: A\ndata: {downloads: [a]}\n", "`data.downloads` must hold file names with `url`"),
        ("title: A\ndata: {downloads: {a: b}}\n", "`data.downloads.a` must hold `url: ...`"),
        (
            "title: A\ndata: {downloads: {a: {url: 'http://b/a', md5: 1}}}\n",
            "`data.downloads.a` has unknown key(s): md5; known keys: sha256, url",
        ),
        (
            "title: A\ndata: {downloads: {a: {url: 'http://b/a', sha256: abc}}}\n",
            "`data.downloads.a`: `sha256` is 'abc'; expected 64 hexadecimal digits",
        ),
        (
            "title: A\ndata: {downloads: {a: {url: 'http://b/a'}, a/b: {url: 'http://b/a'}}}\n",
            "`data.downloads` names 'a' as a file and as the folder of 'a/b'",
        ),
        ("title: A\nthreads: {default: 0}\n", "`threads.default` must be a whole number"),
        ("title: A\nthreads: {nonsense: 1}\n", "'nonsense', which is no chapter"),
        ("title: A\ntime_out_s: {default: yes}\n", "`time_out_s.default` must be a whole number"),
        ("title: A\nscatter: 4\n", "`scatter` must be a mapping"),
        ("title: A\nscatter: {default: 2}\n", "`scatter` names 'default', which is no chapter;"),
        ("title: A\nscatter: {03_fit: 0}\n", "`scatter.03_fit` must be a whole number"),
        ("title: A\nresources: [a]\n", "`resources` must be a mapping"),
        ("title: A\nresources: {03_fit: {mem: 1}}\n", "has unknown key(s): mem"),
        ("title: A\nsimulated: true\n", "is simulated but has no banner"),
        ("description: A\n", "has no `title`"),
        ("- a\n", "must hold `key: value` lines"),
        ("title: [\n", "is not valid YAML"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_profile("mine", tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("../a", "a/../../b", "/etc/a", "..", "a/", "a//b", "./a", "", "C:a", "a\\b", "~/a"),
        *(".hidden", "-a", "raw/.b", "a\nb", "con:", "a*"),
    ],
)
def test_a_download_stays_in_the_data_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"title: A\ndata: {{downloads: {{{json.dumps(name)}: {{url: 'http://b/a'}}}}}}")
    message = f"`data.downloads` has the file name {name!r}; expected a path inside the data folder"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_profile("mine", tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://b/a", "file:///etc/a", "b/a", "http://", "http:///a", "http://b/a b", "3"),
        *("https://b:port/a", "https://[b/a", "doi:10.1000/1"),
    ],
)
def test_an_address_is_http(tmp_path: Path, url: str) -> None:
    write(tmp_path, f"title: A\ndata: {{downloads: {{a: {{url: {json.dumps(url)}}}}}}}")
    with pytest.raises(ValueError, match=re.escape(f"`url` is {url!r}; expected an address")):
        read_profile("mine", tmp_path)


def test_an_address_holds_no_password() -> None:
    with pytest.raises(ValueError, match=r"keep names and passwords in ~/\.netrc") as caught:
        Download("https://me:secret@b/a")
    assert "secret" not in str(caught.value)


def test_downloads_are_read(tmp_path: Path) -> None:
    digits = "AB" * 32
    write(
        tmp_path,
        "title: A\ndata:\n  downloads:\n    raw/a.tsv.gz: "
        f"{{url: https://example.org/a, sha256: {digits}}}\n    b:\n      url: http://b/c?d=e\n",
    )
    assert read_profile("mine", tmp_path).data.downloads == {
        "raw/a.tsv.gz": Download("https://example.org/a", digits.lower()),
        "b": Download("http://b/c?d=e"),
    }


def test_a_profile_in_another_encoding_is_named(tmp_path: Path) -> None:
    write(tmp_path, "title: A")
    (tmp_path / "profiles" / "mine.yml").write_bytes("title: Größe\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"profiles/mine\.yml is not valid YAML"):
        read_profile("mine", tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "../mine", ""])
def test_a_missing_profile_lists_those_there(tmp_path: Path, name: str) -> None:
    write(tmp_path, "title: A\n")
    with pytest.raises(FileNotFoundError, match="profiles here: mine"):
        read_profile(name, tmp_path)


def test_a_folder_of_a_cluster_is_no_profile(tmp_path: Path) -> None:
    write(tmp_path, "title: A\n")
    (tmp_path / "profiles" / "slurm").mkdir()
    (tmp_path / "profiles" / "slurm" / "config.yaml").write_text("executor: slurm\n")
    with pytest.raises(FileNotFoundError, match=r"profiles here: mine$"):
        read_profile("slurm", tmp_path)


def test_defaults() -> None:
    profile = Profile(name="a", title="A")
    assert profile.threads_of("01_data") == 1
    assert not profile.simulated
