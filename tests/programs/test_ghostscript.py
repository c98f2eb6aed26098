"""Runs ghostscript: two threads render a PostScript program in bands, which is then written as PDF, and the PDF is rendered
again.
"""

import hashlib

import harness


def body(side: harness.Side) -> None:
    common = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER"]
    paper = harness.INPUT / "workload.ps"

    def digest(name: str) -> None:
        side.note(name, hashlib.sha256((side.work / name).read_bytes()).hexdigest())

    render = [*common, "-sDEVICE=png16m", "-r150", "-dMaxBitmap=1000000", "-dNumRenderingThreads=2", "-dTextAlphaBits=4"]
    side.run([*render, "-sOutputFile=page%d.png", paper])
    for number in (1, 2, 3):
        digest(f"page{number}.png")
    # The PDF itself holds the time of its creation; its pages and its text do not.
    side.run([*common, "-sDEVICE=pdfwrite", "-sOutputFile=paper.pdf", paper])
    side.run([*render, "-sOutputFile=again%d.png", "paper.pdf"])
    for number in (1, 2, 3):
        digest(f"again{number}.png")
    side.run([*common, "-sDEVICE=txtwrite", "-sOutputFile=-", "paper.pdf"])
    side.run([*common, "-sDEVICE=nullpage", "-c", "/a 100000 array def a 0 undefined_name"], status=1)


harness.main(body, ["gs"])
