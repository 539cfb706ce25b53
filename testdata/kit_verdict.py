#!/usr/bin/env python3
"""Judges what the black-box kit reported: python3 kit_verdict.py KNOWN FOLDER

FOLDER holds, for each script that ran, NAME.jsonl (its --out: one JSON object a case) and NAME.log (what it
printed, closing with its summary). KNOWN lists the cases that are known to fail, one a line, `case  # reason`.

A case that the kit skips counts as failed, as with its own --strict.

Exit 0 when every script ran to its end, tested something, and exactly the known cases failed. Otherwise 1, and each
reason is printed: an unfinished script, a new failure, or a known case that no longer fails (stale: delete its line).
A known case that was not reported at all is stale as well: some cases of the kit appear only when they fail.
"""
import json
import pathlib
import sys


def read_known(path):
    """-> ({case: reason}, [complaints])"""
    known, wrong = {}, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        case, _, reason = (part.strip() for part in line.partition("#"))
        if case and not reason:
            wrong.append(f"{path}:{number}: `{case}` has no reason; write `{case}  # why`")
        if case in known:
            wrong.append(f"{path}:{number}: `{case}` is listed twice")
        if case:
            known[case] = reason
    return known, wrong


def read_summary(log):
    """The script's closing line, or None when it ended before it."""
    for line in reversed(log.read_text(encoding="utf-8", errors="replace").splitlines()):
        if line.startswith('{"suite"'):
            return json.loads(line)
    return None


def main(known_path, folder):
    known, wrong = read_known(known_path)
    failed, passed, skipped = {}, 0, 0
    logs = sorted(folder.glob("*.log"))
    if not logs:
        wrong.append(f"no script of the kit ran: {folder} has no .log")
    for log in logs:
        out = log.with_suffix(".jsonl")
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] if out.exists() else []
        summary = read_summary(log)
        if summary is None or summary["cases"] != len(rows):
            wrong.append(f"{log.stem} did not run to its end; see {log}")
        elif not rows:
            wrong.append(f"{log.stem} tested nothing; see {log}")
        for row in rows:
            if row["skip"]:
                skipped += 1
                failed.setdefault(row["case"], []).append((log.stem, f"skipped by the kit: {row['detail']}"))
            elif row["ok"]:
                passed += 1
            else:
                failed.setdefault(row["case"], []).append((log.stem, row["detail"]))
    for case, places in failed.items():
        for script, detail in places:
            if case in known:
                print(f"known    {script}: {case} ({known[case]})")
            else:
                wrong.append(f"{script}: {case} failed: {detail}")
    wrong += [f"{case} is listed in {known_path} but did not fail: delete its line" for case in known if case not in failed]
    for line in wrong:
        print(f"WRONG    {line}")
    as_known = sum(len(places) for case, places in failed.items() if case in known)
    print(f"kit: {passed} cases ok, {as_known} failing as known, {skipped} skipped by the kit, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
