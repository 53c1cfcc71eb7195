/**
 * A small JSON-RPC signer, for tests only, as a process of its own: `node test-signer.ts KEY` prints its port. The path
 * chooses how it behaves: an honest one has no path.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { argv } from 'node:process'
import type { Hex, TypedDataDefinition } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const honest = privateKeyToAccount(argv[2] as Hex)
const stranger = privateKeyToAccount(`0x${'5a'.repeat(32)}`)
const METHODS: Record<string, readonly string[]> = {
  web3signer: ['eth_accounts', 'eth_signTypedData', 'eth_sign', 'eth_signTransaction'],
  clef: ['account_list', 'account_signTypedData', 'account_signData', 'account_signTransaction'],
  nothing: ['eth_accounts'],
}
const USUAL = ['eth_accounts', 'eth_signTypedData_v4', 'personal_sign', 'eth_signTransaction']

async function resultOf(method: string, params: readonly unknown[], manner: string): Promise<unknown> {
  const account = manner === 'stranger' ? stranger : honest
  if (/signTypedData/.test(method)) {
    const data = (typeof params[1] === 'string' ? JSON.parse(params[1]) : params[1]) as TypedDataDefinition & {
      message: { value?: string }
    }
    if (manner === 'greedy' && data.message.value) data.message.value = `${data.message.value}0`
    const signature = await account.signTypedData(data)
    if (manner !== 'from-zero') return signature
    return `${signature.slice(0, -2)}${signature.endsWith('1b') ? '00' : '01'}`
  }
  if (/signTransaction/.test(method)) {
    const { to, data, gas, gasPrice, nonce, chainId } = params[0] as Record<string, Hex>
    const numbers = { gas: BigInt(gas ?? 0), gasPrice: BigInt(gasPrice ?? 0), nonce: Number(nonce), chainId: Number(chainId) }
    const value = manner === 'greedy' ? 1n : 0n
    const signed = await account.signTransaction({ type: 'legacy', ...(to && { to }), ...(data && { data }), value, ...numbers })
    return manner === 'clef' ? { raw: signed, tx: {} } : signed
  }
  const raw = params[method === 'personal_sign' ? 0 : method === 'eth_sign' ? 1 : 2] as Hex
  return /accounts|list/.test(method) ? [account.address] : account.signMessage({ message: { raw } })
}

const server = createServer(async (request, response) => {
  const manner = (request.url ?? '/').slice(1)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method, params } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { method: string; params: readonly unknown[] }
  const say = (body: unknown, status = 200) => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  if (manner === 'silent') return
  if (manner === 'words') return say('<html>canary</html>')
  if (manner === 'endless') return say('x'.repeat(1_000_000))
  if (manner === 'refusing') return say({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'canary: denied' } })
  if (manner === 'moved') return response.writeHead(307, { location: '/' }).end()
  if (manner === 'guarded' && request.headers.authorization !== 'Bearer canary-token') return say({ error: 'unauthorized' }, 401)
  if (!(METHODS[manner] ?? USUAL).includes(method)) return say({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'unknown' } })
  return say({ jsonrpc: '2.0', id: 1, result: manner === 'nonsense' ? '0x12' : await resultOf(method, params, manner) })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
