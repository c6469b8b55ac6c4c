"""By what one person is found: the address, and everything that the key makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pixeltrack import residues
from pixeltrack.minting import number
from pixeltrack.model import RANK
from pixeltrack.store import Store
from pixeltrack.store.hits import Place
from pixeltrack.tokens import Keyring

_PSEUDONYMOUS = RANK["pseudonymous"]
_WRITTEN = ("utf-8", "percent", "base64", "hex", "hash")


@dataclass(frozen=True, slots=True)
class Person:
    """What a person may be found by: keyed hash, messages, and spellings to look for."""

    identity: str
    subject: bytes
    places: list[Place]
    spellings: dict[str, list[bytes]] = field(default_factory=dict)
    pseudonyms: dict[Place, bytes] = field(default_factory=dict)

    @property
    def everywhere(self) -> list[Place]:
        """Every message that could be theirs; ``places`` are those that are."""
        return list({**self.pseudonyms, **dict.fromkeys(self.places)})

    @property
    def written(self) -> list[str]:
        """Spellings of the address that may stand in a text or a URL; in lower case they match any case."""
        texts = (each.decode(errors="ignore") for name in _WRITTEN for each in self.spellings.get(name, ()))
        return [each for each in texts if each]


def person_of(store: Store, keyring: Keyring, identity: str) -> Person:
    """Return what an address may be found by in a store's campaigns."""
    copies = store.copies_of(identity)
    person = Person(
        identity, keyring.subject(identity), [(copy.campaign_id, copy.message) for copy in copies]
    )
    unlinked = {copy.campaign_id for copy in copies if _PSEUDONYMOUS in (copy.opens, copy.clicks)}
    person.spellings.update(residues.of_address(identity))
    if (written := _in_unicode(identity)) != identity:
        for name, spellings in residues.of_text(written).items():
            person.spellings[name] = [*person.spellings[name], *spellings]
    tokens: list[bytes] = []
    for campaign in store.campaigns():
        if not keyring.has_key(campaign.key_id):
            continue
        keys = keyring.campaign(campaign.code, campaign.key_id)
        known, apart = keys.pseudonym(identity), keys.unlinked_pseudonym(identity)
        for pseudonym in (known, apart):
            person.pseudonyms[campaign.campaign_id, number(pseudonym)] = pseudonym
        if campaign.campaign_id in unlinked:
            person.places.append((campaign.campaign_id, number(apart)))
        tokens += keys.beginnings(known, apart, person.subject)
    person.spellings["token"] = tokens
    return person


def _in_unicode(identity: str) -> str:
    """Return a normalised address as people write it: its domain in their own letters."""
    local, _at, domain = identity.rpartition("@")
    return f"{local}@{domain.encode().decode('idna')}" if "xn--" in domain else identity


def patterns_of(store: Store, keyring: Keyring, identity: str) -> residues.Patterns:
    """Return what would betray a person in any other file: nothing of it may be there at all."""
    person = person_of(store, keyring, identity)
    return {
        **person.spellings,
        "subject": residues.of_bytes(person.subject),
        "pseudonym": [each for raw in person.pseudonyms.values() for each in residues.of_bytes(raw)],
    }
