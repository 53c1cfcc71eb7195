/** Step 3: an admitted request goes upstream once. What is not a payable 402 streams back untouched. */
import { discard, headerValue, type RawHeaders } from '../http.ts'
import type { PaidRequest, Preempt } from '../session/exchange.ts'
import type { Events } from '../telemetry/events.ts'
import { passing } from '../waypoints.ts'
import type { Forwardable } from './admit.ts'
import type { ChargingRoutes } from './charging-routes.ts'
import { UpstreamFault } from './connection.ts'
import type { AgentRequest, Origin } from './door.ts'
import { withHeaders } from './headers.ts'
import { type KeptBody, keepBody, noBody } from './kept-body.ts'
import type { Lane } from './lane.ts'
import type { KeptRequest } from './paid-send.ts'
import { type Passed, pass } from './pass.ts'
import { type PaymentDeps, payFirst, requirePayment, type Settled } from './payment-required.ts'
import { transportOf } from './probe.ts'
import type { Spool } from './spool.ts'
import { mayBeCall } from './tool-call.ts'
import { type CallDeps, payForCall } from './tool-payment.ts'
import { refuse, type Told, type Visit } from './visit.ts'

export interface ForwardDeps {
  lane(origin: Origin): Lane
  readonly events: Events
  readonly payment: PaymentDeps | undefined
  readonly charging: ChargingRoutes
  readonly spool: Spool
  readonly memory_bytes: number
  readonly spool_bytes: number
}

export async function forward(deps: ForwardDeps, visit: Visit, admitted: Forwardable): Promise<Told> {
  const { target, session } = admitted
  const lane = deps.lane(target.origin)
  const done = lane.use()
  const body = keep(deps, visit, admitted)
  const kept = {
    lane,
    target,
    method: visit.reply.method,
    headers: ['Host', target.authority, ...traced(admitted.head.forwarded, visit)],
    body,
  }
  try {
    const tools = mayHoldCall(deps, { visit, admitted, kept })
    const called = tools && (await payInside(tools, deps, { visit, admitted, kept }))
    if (called) return called
    const preempt = tools ? undefined : preemptFor(deps, { visit, admitted, kept })
    const paid = preempt && (await payWith(preempt, deps, { visit, admitted, kept }))
    if (paid) return paid
    const request = { ...kept, body: preempt || tools ? body.replay() : body.stream }
    passing('request forwarded')
    const passed = await pass({ lane, request, reply: visit.reply, holds402: deps.payment !== undefined })
    if (passed.kind === 'unpaid' && deps.payment) return await pay(deps, { visit, admitted, kept, unpaid: passed, payment: deps.payment })
    if (passed.kind === 'failed') return refuseFault(visit, admitted, passed.fault)
    return { outcome: passed.kind === 'passed' ? 'passed' : 'aborted', session, target }
  } finally {
    body.release()
    done()
  }
}

/** What the upstream does is then below our own span. */
function traced(headers: RawHeaders, { traceparent }: Visit): RawHeaders {
  return traceparent === undefined ? headers : withHeaders(headers, ['traceparent', traceparent])
}

/** Only a route that has charged before keeps long bodies (rule R20). */
function keep(deps: ForwardDeps, { request, reply }: Visit, { head, target }: Forwardable): KeptBody {
  const { memory_bytes, spool_bytes } = deps
  if (!hasBody(request, head.framed)) return noBody({ memory_bytes })
  const spool = deps.charging.has(reply.method, target) ? deps.spool : undefined
  return keepBody(request, { memory_bytes, spool_bytes, spool, onWanted: () => reply.continue() })
}

function hasBody(request: AgentRequest, framed: boolean): boolean {
  return 'stream' in request ? !request.stream.endAfterHeaders : framed
}

interface Attempt {
  readonly visit: Visit
  readonly admitted: Forwardable
  readonly kept: KeptRequest
}

/** Where a call of a tool may be: it is read before it goes on, so that an answer to it is known for one. */
function mayHoldCall({ payment, memory_bytes }: ForwardDeps, { visit, admitted, kept }: Attempt): CallDeps | undefined {
  const { toolDialect: dialect, onPaymentRequired } = payment ?? {}
  if (!dialect || !onPaymentRequired || !mayBeCall(kept.method, kept.headers, memory_bytes)) return undefined
  return hasBody(visit.request, admitted.head.framed) ? { dialect, onPaymentRequired } : undefined
}

/** Undefined where it is none: then nothing has left. */
async function payInside(tools: CallDeps, deps: ForwardDeps, attempt: Attempt): Promise<Told | undefined> {
  try {
    return await payForCall(tools, { ...attempt, request: () => paidRequestOf(attempt) })
  } catch (fault) {
    return failed(deps, attempt, fault)
  }
}

/** Where a payment may go with the first attempt: nothing is asked of the upstream before the whole body is here, so it has to be short. */
function preemptFor({ payment, memory_bytes }: ForwardDeps, { visit, admitted, kept }: Attempt): Preempt | undefined {
  const { preempt } = payment ?? {}
  if (!preempt?.expects({ method: kept.method, url: admitted.target.url, headers: kept.headers })) return undefined
  const { framed, expectsContinue } = admitted.head
  if (!hasBody(visit.request, framed)) return preempt
  const length = Number(headerValue(kept.headers, 'content-length'))
  return !('stream' in visit.request) && !expectsContinue && length <= memory_bytes ? preempt : undefined
}

/** Undefined where nothing has left. The lane keeps its address, so that what is asked after the payment goes to the same one. */
async function payWith(preempt: Preempt, deps: ForwardDeps, attempt: Attempt): Promise<Told | undefined> {
  const { visit, kept, admitted } = attempt
  const unpin = kept.lane.pin()
  try {
    const isWhole = await kept.body.ended().then(
      () => true,
      () => false,
    )
    if (!isWhole) return { outcome: 'aborted', session: admitted.session, target: admitted.target }
    const settled = await payFirst(preempt, { kept, request: paidRequestOf(attempt), reply: visit.reply })
    return settled && toldOf(deps, attempt, settled)
  } catch (fault) {
    return failed(deps, attempt, fault)
  } finally {
    unpin()
  }
}

interface Payable extends Attempt {
  readonly unpaid: Extract<Passed, { kind: 'unpaid' }>
  readonly payment: PaymentDeps
}

async function pay(deps: ForwardDeps, payable: Payable): Promise<Told> {
  const { visit, kept, unpaid, payment } = payable
  try {
    const request = paidRequestOf(payable)
    return toldOf(deps, payable, await requirePayment(payment, { answer: unpaid.answer, kept, request, reply: visit.reply }))
  } catch (fault) {
    return failed(deps, payable, fault)
  } finally {
    unpaid.unpin()
    discard(unpaid.answer)
  }
}

function toldOf(deps: ForwardDeps, { visit, admitted: { session, target }, kept }: Attempt, settled: Settled): Told {
  if (settled.kind === 'passed') return { outcome: settled.whole || visit.reply.gone ? 'passed' : 'failed', session, target }
  deps.charging.mark(kept.method, target)
  if (settled.kind === 'paid') return { outcome: 'paid', session, target }
  return refuse(visit, { ...settled, session, target })
}

function failed({ events }: ForwardDeps, { visit, admitted }: Attempt, fault: unknown): Told {
  const { session, target } = admitted
  if (fault instanceof UpstreamFault) return refuseFault(visit, admitted, fault)
  if (visit.reply.gone) return { outcome: 'aborted', session, target }
  events.faulted('payment', fault)
  const detail = 'The payment flow failed.'
  return refuse(visit, { refusal: { code: 'internal_error', detail, moneyState: 'unknown' }, session, target, outcome: 'failed' })
}

function paidRequestOf({ visit, admitted, kept }: Attempt): PaidRequest {
  const { session, target, hints } = admitted
  return {
    exchangeId: visit.id,
    mode: visit.door.mode,
    session,
    method: kept.method,
    url: target.url,
    headers: kept.headers,
    hints,
    line: visit.line,
    signal: visit.reply.signal,
    body: () => kept.body.ended(),
    transport: transportOf(kept.lane),
  }
}

/** Nothing was paid: the unpaid attempt itself got no answer. */
function refuseFault(visit: Visit, { session, target }: Forwardable, { refusalCode, detail }: UpstreamFault): Told {
  return refuse(visit, { refusal: { code: refusalCode, detail }, session, target, outcome: 'failed' })
}
