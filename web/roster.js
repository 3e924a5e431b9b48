/* Who is there, and what the server's words about them change. Pure: the events are returned, as [type, detail]. */

/* Whether sound and picture are sent at all, as `audio` and `video` beside the other marks. */
function withUplink({ uplink, ...member }) {
  return { ...member, audio: uplink?.audio ?? member.audio ?? false, video: uplink?.video ?? member.video ?? false };
}

/** `participants`: the whole roster. To somebody new, who was there before is no news. */
export function replaceRoster(before, list) {
  const roster = new Map(list.map((member) => [member.id, withUplink(member)]));
  const events = [['roster', { roster }]];
  if (before.size > 0) {
    for (const [id, member] of roster) if (!before.has(id)) events.push(['enter', member]);
    for (const [id, member] of before) if (!roster.has(id)) events.push(['exit', member]);
  }
  return { roster, events };
}

/** `participant`: somebody came, changed or went. Changes `roster`. */
export function changeMember(roster, { type, gone, ...message }) {
  const known = roster.get(message.id);
  const events = [['roster', { roster }]];
  if (gone) {
    roster.delete(message.id);
    if (known) events.push(['exit', known]);
    return events;
  }
  const member = withUplink({ ...known, ...message });
  roster.set(member.id, member);
  if (!known) events.push(['enter', member]);
  else if (member.hand && !known.hand) events.push(['hand', member]);
  if (known && member.quality !== known.quality) events.push(['quality', { participant: member.id, quality: member.quality }]);
  return events;
}
