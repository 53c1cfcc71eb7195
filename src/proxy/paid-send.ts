/** Step 9: the kept request once more, with what the payment flow sets, to the same origin and the same address. */
import type { RawHeaders } from '../http.ts'
import type { Send, SendResult } from '../session/exchange.ts'
import { withHeaders } from './headers.ts'
import { type AskControl, ask } from './incoming-answer.ts'
import type { KeptBody } from './kept-body.ts'
import type { Lane } from './lane.ts'
import type { Target } from './target.ts'

export interface KeptRequest {
  /** Pinned for as long as the payment flow runs. */
  readonly lane: Lane
  readonly target: Target
  readonly method: string
  /** `Host` included. */
  readonly headers: RawHeaders
  readonly body: KeptBody
}

/** The flow's way to send. The agent's going away does not stop it. */
export function createSend(request: KeptRequest): Send {
  return async ({ set, beforeSend }) => {
    const { replayable } = await request.body.ended()
    if (!replayable) {
      return { kind: 'failed', sent: false, code: 'body_too_large_to_replay', detail: 'The body was not kept for a second attempt.' }
    }
    return sendAgain(request, set, { beforeSend })
  }
}

/** Sends the kept request with these headers set. Its body must have ended and be replayable. */
export async function sendAgain(request: KeptRequest, set: RawHeaders, control: AskControl): Promise<SendResult> {
  const { lane, target, method, headers, body } = request
  const asked = await ask(lane, { target, method, headers: withHeaders(headers, set), body: body.replay() }, control)
  if (asked.kind === 'answer') return asked
  const { refusalCode, detail } = asked.fault
  return { kind: 'failed', sent: asked.sent, code: refusalCode, detail }
}
