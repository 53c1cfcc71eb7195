/**
 * `WWW-Authenticate` by the grammar of RFC 9110 (11.6.1). It is read whole and one way only: a value that two readers
 * could take for different challenges is not read at all.
 */

/** One challenge of any scheme. */
export interface AuthChallenge {
  /** In lower case. */
  readonly scheme: string
  /** By name in lower case; undefined where the value has an escape that readers take for different things (`\u0041`). */
  readonly params: ReadonlyMap<string, string | undefined>
}

interface Draft {
  readonly scheme: string
  readonly params: Map<string, string | undefined>
}

interface Reader {
  readonly text: string
  at: number
}

const GAP = /[ \t,]*/y
const BLANK = /[ \t]*/y
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const PARAM = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*/y
const ODD_ESCAPE = /\\[^"\\]/

/** All challenges of one value, in their order; undefined where it is not of the grammar, or names a parameter twice. */
export function readAuthChallenges(text: string): readonly AuthChallenge[] | undefined {
  const reader: Reader = { text, at: 0 }
  const challenges: Draft[] = []
  for (take(reader, GAP); reader.at < text.length; take(reader, GAP)) {
    const current = challenges.at(-1)
    const param = current && takeBefore(reader, PARAM)
    if (param) {
      if (!keep(current, param)) return undefined
      continue
    }
    const fresh = takeScheme(reader)
    if (!fresh) return undefined
    challenges.push(fresh)
  }
  return challenges
}

/** A scheme with what stands right behind it: nothing, a token68, or its first parameter. */
function takeScheme(reader: Reader): Draft | undefined {
  const [token] = take(reader, TOKEN) ?? []
  if (token === undefined) return undefined
  const draft: Draft = { scheme: token.toLowerCase(), params: new Map() }
  const blank = take(reader, BLANK)?.[0] ?? ''
  if (endsHere(reader)) return draft
  if (blank === '') return undefined
  const param = takeBefore(reader, PARAM)
  if (param) return keep(draft, param) ? draft : undefined
  return takeBefore(reader, TOKEN68) ? draft : undefined
}

/** False where the challenge has a parameter of this name. */
function keep({ params }: Draft, [, name = '', quoted, token]: RegExpExecArray): boolean {
  const key = name.toLowerCase()
  if (params.has(key)) return false
  params.set(key, quoted === undefined ? token : unescaped(quoted))
  return true
}

function unescaped(quoted: string): string | undefined {
  return ODD_ESCAPE.test(quoted.replaceAll(/\\["\\]/g, '')) ? undefined : quoted.replaceAll(/\\(.)/g, '$1')
}

/** As `take`, where a comma or the end of the text follows; else nothing is taken. */
function takeBefore(reader: Reader, pattern: RegExp): RegExpExecArray | undefined {
  const { at } = reader
  const found = take(reader, pattern)
  take(reader, BLANK)
  if (found && endsHere(reader)) return found
  reader.at = at
  return undefined
}

function take(reader: Reader, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = reader.at
  const found = pattern.exec(reader.text)
  reader.at += found?.[0].length ?? 0
  return found ?? undefined
}

function endsHere({ text, at }: Reader): boolean {
  return at >= text.length || text[at] === ','
}
