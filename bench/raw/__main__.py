"""One raw measurement: ``python -m bench.raw WHAT --url URL ...`` prints its jobs a second."""

from __future__ import annotations

import argparse

import uvloop

from bench.raw import claim_finish, inserts, sqlite


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.raw")
    parser.add_argument("what", choices=["drain", "bulk", "singles", "sqlite"])
    parser.add_argument("--url", required=True, help="for sqlite the path of the file")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--producers", type=int, default=1)
    print(_measure(parser.parse_args()))


def _measure(arguments: argparse.Namespace) -> float:
    url, jobs = arguments.url, arguments.jobs
    match arguments.what:
        case "drain":
            return uvloop.run(claim_finish.drain(url, arguments.batch, jobs))
        case "bulk":
            return uvloop.run(inserts.bulk(url, jobs))
        case "singles":
            return uvloop.run(inserts.singles(url, jobs, arguments.producers))
        case _:
            return sqlite.drain(url, arguments.batch, jobs)


if __name__ == "__main__":
    main()
