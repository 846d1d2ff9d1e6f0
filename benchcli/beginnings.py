"""What the files that benchcli writes begin with, and hardly another file does: regular expressions, and a line."""

import re

AUTHOR = "benchcli"
"""By which pictures and programs say who wrote them."""
HTML = r"<!doctype html>\n<html lang=\"en\">\n<head>\n.*?\n<title>benchcli: "
JUNIT = r"<\?xml [^>]*\?>\s*<testsuites>\s*<testsuite name=\"benchcli check "
TABLE = "written by benchcli\n\n"
HEADERS = (
    "schema,run,suite,family,",
    "run,family,variant,device,",
    "run,family,faster,slower,",
    "family,variant,subject,outcome,",
    "claim,verdict,says,source,",
    "network,input,flops,params,",
    "network,module,calls,flops,",
    "network,operator,calls,flops,",
    "network,operator,module,dtype,",
    "section,name,value\n",
    "name,kind,injected,",
    "figure,of,per_second,",
)
"""What tables begin with: runs, comparisons, pairs, checks, claims, costs, devices, self-tests, roofs."""
CSV = "|".join(map(re.escape, HEADERS))
FIRST = (
    r'"environment": \{\s*"schema": \d',
    r'"runs": \[\s*\{\s*"path": "[^"]*",\s*"environment": ',
    r'"networks": (?:\[\s*\{\s*"network": "[^"]*",\s*"input": |\[\],\s*"warnings": )',
    r'"machine": \{\s*"host": [^,]*,\s*"cpu": ',
    r'"comparisons": \[\s*\{\s*"name": "[^"]*",\s*"kind": "[^"]*",\s*"injected": ',
    r'"digest": "\w*",\s*"device": ',
)
"""What objects begin with: runs and checks, comparisons, costs, devices, self-tests, roofs."""
JSON = rf"(?:\[\s*)?{{\s*(?:{'|'.join(FIRST)})"
