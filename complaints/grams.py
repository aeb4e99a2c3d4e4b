"""Words found inside Chinese text without a dictionary: every two neighbouring signs are a gram, and PostgreSQL keeps an index of them.

Works on any PostgreSQL, without an extension; two signs, the shortest word one searches for, are enough.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.fields.array import ArrayContains
from django.db.models import Func, Q, TextField, Value
from django.db.models.functions import Concat, Lower, StrIndex
from django.db.models.lookups import GreaterThan

# Signs one by one, each with its neighbour; the words of title and content never run into each other.
FUNCTION = """
CREATE OR REPLACE FUNCTION complaints_grams(title text, content text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT a || b), '{}') FROM (
        SELECT sign AS a, lead(sign) OVER (ORDER BY place) AS b FROM unnest(string_to_array(lower(title || E'\\n' || content), NULL)) WITH ORDINALITY AS s(sign, place)
    ) AS pairs WHERE b IS NOT NULL
$$
"""


class Grams(Func):
    """The grams of a ticket's title and content."""

    function = "complaints_grams"
    output_field = ArrayField(TextField())


class ReversedText(Func):
    """A text from its end: what it ends in is then what it begins with."""

    function = "REVERSE"
    output_field = TextField()


def has_words(words: str) -> Q:
    """Tickets whose title or content has these words somewhere in it, as PostgreSQL finds them by the index.

    The index knows no single sign: that is looked for where a clock runs, and nowhere else.
    """
    lowered = words.lower()
    # Not by LIKE, of which PostgreSQL expects next to nothing: it would then read all there is where it could stop after a page.
    inside = Q(GreaterThan(StrIndex(Lower(Concat("title", Value("\n"), "content", output_field=TextField())), Value(lowered)), 0))
    grams = sorted({lowered[place : place + 2] for place in range(len(lowered) - 1)})
    if not grams:
        return inside & Q(due_at__isnull=False)
    # The words first: where a row is looked at without the index, making its grams is what costs.
    return inside & Q(ArrayContains(Grams("title", "content"), Value(grams, output_field=ArrayField(TextField()))))
