"""The set-up of this project: small steps, each of which does nothing when its result is already there.

`main` puts the steps in order; `pins` says what is fetched and with which checksums; `tools`, `system`,
`node`, `vendor` and `model` are the steps; `wheels`, `files`, `shell` and `report` are what they share.
Every failure is a `report.Failure`: one sentence on what happened, one on what to do.
"""
