"""By what one person is found: the address, and everything that the key makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pixeltrack import residues
from pixeltrack.minting import CampaignKeys, number
from pixeltrack.store import Store
from pixeltrack.store.hits import Place
from pixeltrack.tokens import Keyring


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
        """Every message that could be theirs; ``places`` are those of campaigns that have one."""
        return list({**self.pseudonyms, **dict.fromkeys(self.places)})


def pseudonyms_of(keys: CampaignKeys, identity: str) -> list[bytes]:
    """Return by what a campaign may know an address: the copy's, and the one that no row leads to."""
    unlinked = getattr(keys, "unlinked_pseudonym", None)
    return [keys.pseudonym(identity), *((unlinked(identity),) if unlinked else ())]


def person_of(store: Store, keyring: Keyring, identity: str) -> Person:
    """Return what an address may be found by in a store's campaigns."""
    person = Person(identity, keyring.subject(identity), [])
    mailed = {copy.campaign_id for copy in store.copies_of(identity)}
    spellings = residues.of_address(identity)
    person.spellings.update(spellings)
    tokens: list[bytes] = []
    for campaign in store.campaigns():
        if not keyring.has_key(campaign.key_id):
            continue
        keys = keyring.campaign(campaign.code, campaign.key_id)
        for pseudonym in pseudonyms_of(keys, identity):
            place = campaign.campaign_id, number(pseudonym)
            person.pseudonyms[place] = pseudonym
            if campaign.campaign_id in mailed:
                person.places.append(place)
        pseudonym = keys.pseudonym(identity)
        tokens += [keys.message_token(pseudonym).encode()]
        tokens += [
            keys.personal_token("unsubscribe", pseudonym).encode(),
            keys.personal_token("preferences", pseudonym).encode(),
        ]
    known = set(person.places)
    person.places.extend(
        place
        for copy in store.copies_of(identity)
        if (place := (copy.campaign_id, copy.message)) not in known
    )
    person.spellings["token"] = tokens
    return person


def patterns_of(store: Store, keyring: Keyring, identity: str) -> residues.Patterns:
    """Return what would betray a person in any other file: nothing of it may be there at all."""
    person = person_of(store, keyring, identity)
    return {
        **person.spellings,
        "subject": residues.of_bytes(person.subject),
        "pseudonym": [each for raw in person.pseudonyms.values() for each in residues.of_bytes(raw)],
    }
