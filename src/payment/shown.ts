/** What people are shown of a payment before they decide: the terms to be signed, the policy's reason, what changed. */
import { z } from 'zod'
import type { Shown } from '../approval/approval.ts'
import { plain } from '../approval/text.ts'
import type { Quote } from '../rails/quote.ts'
import { remainingOf } from '../session/session.ts'
import type { Allowed } from './judge.ts'

/** With what is left of the session now. @throws Error where the body has not ended. */
export async function shownOf({ matter, decision, attempt, quote }: Allowed): Promise<Shown> {
  const { deps, request, body, classification } = matter
  if (!body) throw new Error('nothing is shown before the body has ended')
  const session = (await deps.ledger.session(request.session.id)) ?? request.session
  const { method, url, host, justification, tool, task, categories, terms } = attempt
  const { rail, scheme, flow, network, asset, amountAtomic, amount, currency, payTo } = terms
  return {
    ...{ method, url, host, bodyDigest: body.digest, rail, scheme, flow, network, asset, amountAtomic, amount, currency, payTo },
    ...{ purpose: session.purpose, owner: session.owner, justification, tool, task, categories },
    trust: classification?.trust ?? 'unknown',
    tier: decision.tier,
    reason: decision.reason,
    policyVersion: decision.policyVersion,
    remaining: remainingOf(session),
    changes: classification?.facts ?? [],
    untrusted: wordsOf(quote),
  }
}

/** Version 2 describes the resource, version 1 the offer. */
const describedSchema = z.looseObject({
  description: z.string().optional(),
  resource: z.looseObject({ description: z.string().optional() }).optional().catch(undefined),
})

/** What the paid server says about itself, cleaned; null where it says nothing. */
function wordsOf({ challenge, offer }: Quote): string | null {
  const [echo, raw] = [described(challenge.echo), described(offer.raw)]
  const words = plain(echo?.resource?.description ?? echo?.description ?? raw?.description ?? '')
  return words === '' ? null : words
}

function described(text: string): z.infer<typeof describedSchema> | undefined {
  try {
    return describedSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
