/** Where the members of an object stand in a JSON text, so that one of them can be changed and all others stay to the letter. */

export interface Span {
  readonly start: number
  /** Behind its last character. */
  readonly end: number
}

export interface Edit extends Span {
  readonly text: string
}

/**
 * The values of the object that begins at `from`, by name; undefined where nothing of the kind begins there, or where a
 * name stands twice: two readers could then see two objects.
 * @param text JSON that was parsed before: its grammar is not checked again
 */
export function membersOf(text: string, from = 0): ReadonlyMap<string, Span> | undefined {
  const members = new Map<string, Span>()
  let at = skipBlank(text, from)
  if (text[at] !== '{') return undefined
  at = skipBlank(text, at + 1)
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at)
    const key: unknown = JSON.parse(text.slice(at, keyEnd))
    const start = skipBlank(text, skipBlank(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    if (typeof key !== 'string' || members.has(key)) return undefined
    members.set(key, { start, end })
    at = skipBlank(text, end)
    if (text[at] === ',') at = skipBlank(text, at + 1)
  }
  return members
}

/** The text with these spans replaced. They must not overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  let out = ''
  let at = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    out += text.slice(at, edit.start) + edit.text
    at = edit.end
  }
  return out + text.slice(at)
}

/** Puts a member at the head of the object that begins at `start` and has these members. */
export function inserted(start: number, members: ReadonlyMap<string, Span>, member: string): Edit {
  return { start: start + 1, end: start + 1, text: members.size > 0 ? `${member},` : member }
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++
  return at
}

/** Without a pattern: strings of some megabytes would exhaust the stack of one. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfString(text, from)
  if (text[from] === '{' || text[from] === '[') return endOfNest(text, from)
  let at = from
  while (at < text.length && !',]} \t\n\r'.includes(text.charAt(at))) at++
  return at
}

function endOfNest(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const sign = text[at]
    if (sign === '"') at = endOfString(text, at) - 1
    else if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    if (depth === 0) return at + 1
  }
  return text.length
}
