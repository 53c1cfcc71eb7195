/**
 * The official facilitator on the test chain, in process and behind HTTP. Its HTTP side can be told to fail the next
 * settlement in the ways that were seen in the wild; the money moves all the same where the fault says so.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import type { SettleResponse } from '@x402/core/types'
import { type FacilitatorEvmSigner, toFacilitatorEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/facilitator'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/facilitator'
import { UptoEvmScheme } from '@x402/evm/upto/facilitator'
import { type Abi, concatHex, encodeFunctionData } from 'viem'
import { z } from 'zod'
import type { TestTls } from './certificates.ts'
import { type Chain, NETWORK, NETWORK_V1 } from './chain.ts'
import { breakOff, type Doors, openDoors, readBody } from './doors.ts'

/**
 * What the next settlement over HTTP suffers: the socket dies after settling, a 500 before or after it, or words that are
 * no JSON. `invalid` is for the next payment that is to be verified: it is said to be worth nothing.
 */
export type FacilitatorFault = 'settle-then-reset' | 'settle-then-500' | 'settle-then-garbage' | 'error-500' | 'invalid'

export interface Facilitator extends AsyncDisposable {
  readonly url: string
  /** To be given to a resource server straight. */
  readonly adapter: FacilitatorClient
  /** Settlements that were tried, in process and over HTTP. */
  readonly attempts: readonly SettleResponse[]
  /** One fault for the next settlement over HTTP. */
  failNext(fault: FacilitatorFault): void
  /** Faults that nothing has suffered yet. */
  readonly faults: readonly FacilitatorFault[]
}

export async function startFacilitator(chain: Chain, tls: TestTls): Promise<Facilitator> {
  const attempts: SettleResponse[] = []
  const faults: FacilitatorFault[] = []
  const official = makeOfficial(chain)
  const adapter: FacilitatorClient = {
    verify: (payload, requirements) => official.verify(payload, requirements),
    settle: async (payload, requirements) => {
      const result = await official.settle(payload, requirements)
      attempts.push(result)
      return result
    },
    getSupported: async () => supported(official),
  }
  const doors: Doors = await openDoors((request, response) => {
    answer(request, response, adapter, faults).catch((error: unknown) => sendJson(response, 500, { error: String(error) }))
  }, tls)
  return {
    url: doors.url,
    adapter,
    attempts,
    faults,
    failNext: (fault) => void faults.push(fault),
    [Symbol.asyncDispose]: () => doors[Symbol.asyncDispose](),
  }
}

function supported(official: x402Facilitator): Awaited<ReturnType<FacilitatorClient['getSupported']>> {
  const { kinds, extensions, signers } = official.getSupported()
  return { kinds: kinds.map((kind) => ({ ...kind, network: kind.network as typeof NETWORK })), extensions, signers }
}

function makeOfficial(chain: Chain): x402Facilitator {
  const signer = facilitatorSigner(chain)
  return new x402Facilitator()
    .register(NETWORK, new ExactEvmScheme(signer))
    .register(NETWORK, new UptoEvmScheme(signer))
    .register(NETWORK, new BatchSettlementEvmScheme(signer))
    .registerV1(NETWORK_V1 as typeof NETWORK, new ExactEvmSchemeV1(signer))
}

/** Through which a facilitator reads the chain, and sends from its rich account. */
export function facilitatorSigner({ client, sender }: Pick<Chain, 'client' | 'sender'>): FacilitatorEvmSigner {
  return toFacilitatorEvmSigner({
    address: sender.address,
    // What only a named facilitator may call is tried in its name.
    readContract: (call) => client.readContract({ account: sender.address, ...call, abi: call.abi as Abi }),
    verifyTypedData: (data) => client.verifyTypedData(data as Parameters<typeof client.verifyTypedData>[0]),
    getCode: (query) => client.getCode(query),
    sendTransaction: (call) => sender.send(call),
    waitForTransactionReceipt: (query) => client.waitForTransactionReceipt(query),
    writeContract: ({ address, abi, functionName, args, dataSuffix }) => {
      const data = encodeFunctionData({ abi: abi as Abi, functionName, args: [...args] })
      return sender.send({ to: address, data: dataSuffix ? concatHex([data, dataSuffix]) : data })
    },
  })
}

/** The envelope only: the facilitator judges what is in it, in both versions of the protocol. */
const call = z.object({
  paymentPayload: z.custom<Parameters<FacilitatorClient['settle']>[0]>(
    (value) => z.looseObject({ x402Version: z.number() }).safeParse(value).success,
  ),
  paymentRequirements: z.custom<Parameters<FacilitatorClient['settle']>[1]>(
    (value) => z.looseObject({ scheme: z.string() }).safeParse(value).success,
  ),
})

const WORTHLESS = { isValid: false, invalidReason: 'insufficient_funds', payer: '' }

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  adapter: FacilitatorClient,
  faults: FacilitatorFault[],
): Promise<void> {
  if (request.url === '/supported') return sendJson(response, 200, await adapter.getSupported())
  const parsed = call.safeParse(JSON.parse((await readBody(request)).toString() || 'null'))
  if (!parsed.success) return sendJson(response, 400, { error: 'not a call of a facilitator' })
  const { paymentPayload, paymentRequirements } = parsed.data
  if (request.url === '/verify') {
    const invalid = faults[0] === 'invalid' && faults.shift()
    const said = invalid ? WORTHLESS : await adapter.verify(paymentPayload, paymentRequirements)
    return sendJson(response, 200, said)
  }
  if (request.url !== '/settle') return sendJson(response, 404, { error: 'not found' })
  const fault = faults.shift()
  if (fault === 'error-500') return sendJson(response, 500, { error: 'the facilitator is down' })
  const result = await adapter.settle(paymentPayload, paymentRequirements)
  if (fault === 'settle-then-reset') return breakOff(response)
  if (fault === 'settle-then-500') return sendJson(response, 500, { error: 'the facilitator broke down' })
  if (fault === 'settle-then-garbage') return void response.end('<html>gateway</html>')
  sendJson(response, 200, result)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
