"""LinkChecker, started so that a test can use it: `python crawl.py ARGUMENTS…` takes LinkChecker's own arguments.

Three of its manners are for the open web only and are left out here, where a test crawls its own server on this
machine: as root it becomes another user, who may not be allowed to read this checkout; it waits between requests; and
it follows no link of a page that says nofollow, as private pages do.
"""

from __future__ import annotations

from linkcheck.checker.httpurl import HttpUrl
from linkcheck.command import linkchecker
from linkcheck.director.aggregator import Aggregate


def main() -> None:
    linkchecker.drop_privileges = lambda: None
    Aggregate.wait_for_host = lambda self, host: None
    HttpUrl.content_allows_robots = lambda self: True
    linkchecker.linkchecker()


if __name__ == "__main__":
    main()
