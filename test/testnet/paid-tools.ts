/**
 * An MCP server whose tools cost money: the official SDK's server and transport, x402's official resource server and
 * facilitator. What stands between them is ours, written from x402's specification of its transport for MCP (v2), because no
 * wrapper of the project is on npm. By MPP the official library itself asks and settles. Each request is served by a server of its own (no MCP session).
 */
import { randomBytes } from 'node:crypto'
import { createServer as createTlsServer } from 'node:https'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { type CallToolRequest, CallToolRequestSchema, type CallToolResult, McpError } from '@modelcontextprotocol/sdk/types.js'
import { x402ResourceServer } from '@x402/core/server'
import type { PaymentPayload } from '@x402/core/types'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { evm, Mppx, Transport } from 'mppx/server'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { NETWORK, USDC } from './chain.ts'
import { close, listen } from './doors.ts'
import type { Testnet } from './testnet.ts'

/** What a tool does apart from being paid for. */
export interface Behaviour {
  readonly price?: string
  /** The challenge's place: `structure` and text, `text` alone, or the error of older servers. */
  readonly asks?: 'structure' | 'text' | 'error' | 'mpp'
  /** What happens to a payment. */
  readonly settles?: 'honestly' | 'never says so' | 'refuses'
  readonly fails?: boolean
  /** Held back until somebody lets it go. */
  readonly before?: Promise<void>
  /** Instead of anything else. */
  readonly throws?: McpError
}

export interface SeenCall {
  readonly id: string | number
  readonly params: CallToolRequest['params']
}

export interface PaidTools extends AsyncDisposable {
  readonly url: string
  readonly merchant: `0x${string}`
  /** By tool. */
  readonly behaviours: Record<string, Behaviour>
  readonly calls: SeenCall[]
  /** Bodies of all POSTs, as they came. */
  readonly bodies: string[]
}

const PAYMENT = 'x402/payment'

/** What it needs of a testnet. */
export interface MarketStall extends Pick<Testnet, 'tls'> {
  readonly facilitator: Pick<Testnet['facilitator'], 'adapter'>
  /** Where tools that are paid by MPP settle. Absent: there are none. */
  readonly facilitatorUrl?: string
}

/** `/json` answers with JSON, `/events` with server-sent events. */
export async function startPaidTools(testnet: MarketStall): Promise<PaidTools> {
  const merchant = privateKeyToAddress(generatePrivateKey())
  const { facilitatorUrl } = testnet
  const byMpp = facilitatorUrl === undefined ? undefined : mppTill(facilitatorUrl, merchant)
  const sales = new x402ResourceServer(testnet.facilitator.adapter).register(NETWORK, new ExactEvmScheme())
  await sales.initialize()
  const behaviours: Record<string, Behaviour> = {}
  const calls: SeenCall[] = []
  const bodies: string[] = []
  const doors = createTlsServer({ key: testnet.tls.key, cert: testnet.tls.cert }, async (request, response) => {
    const server = new Server({ name: 'paid-tools', version: '1.0.0' }, { capabilities: { tools: {} } })
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const { requestId, sendNotification } = extra
      calls.push({ id: requestId, params })
      const { progressToken } = params._meta ?? {}
      const behaviour = behaviours[params.name] ?? {}
      // Of this very call: whoever gets the event may change it for the next one.
      const { before } = behaviour
      if (progressToken !== undefined) {
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: calls.length } })
      }
      await before
      if (behaviour.throws) throw behaviour.throws
      if (byMpp && behaviour.asks === 'mpp') return byMpp(behaviour, extra)
      return behaviour.price ? paid({ sales, merchant, behaviour, params }) : resultOf(behaviour)
    })
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: request.url === '/json' })
    await server.connect(transport as Parameters<typeof server.connect>[0])
    response.on('close', () => void server.close())
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    if (body) bodies.push(body)
    await transport.handleRequest(request, response, body ? JSON.parse(body) : undefined)
  })
  const port = await listen(doors)
  return { url: `https://localhost:${port}`, merchant, behaviours, calls, bodies, [Symbol.asyncDispose]: () => close(doors) }
}

/** Settles by the testnet's facilitator, over HTTP. */
function mppTill(facilitatorUrl: string, recipient: `0x${string}`) {
  const token = { currency: USDC, chainId: Number(NETWORK.split(':')[1]), decimals: 6, authorization: { name: 'USDC', version: '2' } }
  const method = { ...evm.charge({ ...token, recipient, x402: { facilitator: facilitatorUrl } }), transport: undefined }
  const mppx = Mppx.create({ methods: [method], secretKey: randomBytes(32).toString('base64'), transport: Transport.mcpSdk() })
  return async (behaviour: Behaviour, extra: Parameters<ReturnType<typeof mppx.charge>>[0]): Promise<CallToolResult> => {
    const said = await mppx.charge({ amount: (behaviour.price ?? '').replace('$', '') })(extra)
    if (said.status === 402) throw said.challenge
    return said.withReceipt(resultOf(behaviour)) as CallToolResult
  }
}

interface Sale {
  readonly sales: x402ResourceServer
  readonly merchant: `0x${string}`
  readonly behaviour: Behaviour
  readonly params: CallToolRequest['params']
}

async function paid({ sales, merchant, behaviour, params }: Sale): Promise<CallToolResult> {
  const { price = '', settles = 'honestly' } = behaviour
  const offered = await sales.buildPaymentRequirements({ scheme: 'exact', network: NETWORK, payTo: merchant, price, maxTimeoutSeconds: 60 })
  const ask = async (error: string) => {
    const resource = { url: `mcp://tool/${params.name}`, description: 'a tool', mimeType: 'application/json' }
    return challenge(behaviour, await sales.createPaymentRequiredResponse(offered, resource, error))
  }
  const payment = params._meta?.[PAYMENT] as PaymentPayload | undefined
  if (!payment || settles === 'refuses') return ask('Payment required to access this tool')
  const requirements = sales.findMatchingRequirements(offered, payment)
  if (!requirements) return ask('No matching payment requirements')
  const verified = await sales.verifyPayment(payment, requirements)
  if (!verified.isValid) return ask(verified.invalidReason ?? 'invalid')
  const result = resultOf(behaviour)
  if (result.isError) return result
  const settled = await sales.settlePayment(payment, requirements)
  if (settles === 'never says so' || !settled.success) return ask('Settlement failed')
  return { ...result, _meta: { 'x402/payment-response': settled } }
}

function challenge({ asks = 'structure' }: Behaviour, required: object): CallToolResult {
  if (asks === 'error') throw new McpError(402, 'Payment required', required)
  const content = [{ type: 'text' as const, text: JSON.stringify(required) }]
  return { isError: true, content, ...(asks === 'structure' && { structuredContent: { ...required } }) }
}

function resultOf({ fails = false }: Behaviour): CallToolResult {
  return { content: [{ type: 'text', text: fails ? 'the tool failed' : 'sunny' }], ...(fails && { isError: true }) }
}
