/** Paying through a channel: one request at a time, from its plan to what its server says it charged. */

import { CHANNEL_WAIT_MS } from '../../channel-limits.ts'
import { systemPause } from '../../clock.ts'
import type { Quote } from '../../rails/quote.ts'
import type { PaymentOutcome } from '../../session/exchange.ts'
import type { Case } from '../case.ts'
import { refuse } from '../refuse.ts'
import { channelOfferIn, ELSEWHERE, keyOf } from './plan.ts'

/** Buys when it is this request's turn on its channel; at once where it is paid through none. */
export async function inTurn(matter: Case, quote: Quote, buy: () => Promise<PaymentOutcome>): Promise<PaymentOutcome> {
  const { channels, pause = systemPause } = matter.deps
  const offer = channelOfferIn(quote)
  if (!offer || !channels) return buy()
  const over = new AbortController()
  const signal = AbortSignal.any([matter.request.signal, over.signal])
  void pause(CHANNEL_WAIT_MS, signal).then(
    () => over.abort(),
    () => undefined,
  )
  const end = await channels.turns.take(JSON.stringify(Object.values(keyOf(matter.request.session, offer))), signal)
  over.abort()
  if (!end) return refuse(matter, ELSEWHERE)
  try {
    return await buy()
  } finally {
    end()
  }
}
