/**
 * What of a challenge holds for every request of its route. Version 1 echoes nothing. Of version 2 the offers and the
 * extensions go back to the letter, so that a challenge with a nonce, a date or a name of its own in them never recurs;
 * the resource, which names the request, is not needed and is left out.
 */
import { z } from 'zod'
import type { Challenge, Recurring } from '../rail.ts'
import { readStrictJson } from '../strict-json.ts'

const echoed = z.object({ extensions: z.unknown().optional() })

export function recurring(challenge: Challenge): Recurring {
  const { protocolVersion, digest, offers } = challenge
  if (protocolVersion === 1) return { challenge, text: digest }
  const echo = withoutResource(challenge.echo)
  return { challenge: { ...challenge, echo }, text: JSON.stringify([digest, offers.map(({ raw }) => raw), echo]) }
}

function withoutResource(echo: string): string {
  const json = readStrictJson(echo)
  const parsed = json.kind === 'read' ? echoed.safeParse(json.value).data : undefined
  const extensions = json.kind === 'read' && parsed ? json.sourceOf(parsed.extensions) : undefined
  return extensions === undefined ? '{}' : `{"extensions":${extensions}}`
}
