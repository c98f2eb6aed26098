"""Runs php: strings, JSON, XML, databases, locales and fork, with the extensions that it opens with RTLD_DEEPBIND."""

import harness


def body(side: harness.Side) -> None:
    side.run(["php", "-m"])
    side.run(["php", harness.INPUT / "workload.php"])
    # Each of PHP's own blocks by malloc, and compiled by opcache.
    side.run(["php", "-d", "opcache.enable_cli=1", harness.INPUT / "workload.php"], env={"USE_ZEND_ALLOC": "0"})


harness.main(body, ["php"])
