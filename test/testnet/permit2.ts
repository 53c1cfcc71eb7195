/** Permit2 on the test chain: its real code, as `anvil --network tempo` has it, and stand-ins for the proxies of x402. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeFunctionData, type Hex, maxUint256, numberToHex, parseAbi } from 'viem'
import { PERMIT2 } from '../../src/permit-digest.ts'
import { PERMIT2_SPENDERS } from '../../src/rails/x402/schemes/permit2.ts'
import { startAnvil } from './anvil.ts'
import { type Chain, USDC } from './chain.ts'
import { compileContracts } from './contracts.ts'

const KEPT = fileURLToPath(new URL('../../node_modules/.cache/purser/permit2-code.txt', import.meta.url))
const abi = parseAbi([
  'function nonceBitmap(address owner, uint256 word) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
])

export type Places = Pick<Chain, 'rpc' | 'rpcUrl'>

/** Puts Permit2 and both proxies on the chain, where they are on every other. */
export async function placePermit2(chain: Places): Promise<void> {
  const { exactProxy, uptoProxy } = await compileContracts()
  await chain.rpc('anvil_setCode', [PERMIT2, await permit2Code()])
  for (const [address, creation] of [[PERMIT2_SPENDERS.exact, exactProxy] as const, [PERMIT2_SPENDERS.upto, uptoProxy] as const]) {
    await chain.rpc('anvil_setCode', [address, await chain.rpc('eth_call', [{ data: creation, gas: '0x1312d00' }, 'latest'])])
  }
}

/** The runtime code; kept beside the compiled contracts. */
async function permit2Code(): Promise<Hex> {
  const kept = await readFile(KEPT, 'utf8').catch(() => undefined)
  if (kept?.startsWith('0x') && kept.length > 2) return kept as Hex
  await using tempo = await startAnvil(84_532, ['--network', 'tempo'])
  const answer = await fetch(tempo.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getCode', params: [PERMIT2, 'latest'] }),
  })
  const { result } = (await answer.json()) as { result: Hex }
  if (result === '0x') throw new Error('this anvil has no Permit2')
  await mkdir(dirname(KEPT), { recursive: true })
  await writeFile(`${KEPT}.${process.pid}`, result)
  await rename(`${KEPT}.${process.pid}`, KEPT)
  return result
}

/** The wallet lets Permit2 take this much, as if it had sent the transaction itself. */
export async function allow(chain: Pick<Chain, 'rpc'>, wallet: Hex, atomic: bigint = maxUint256): Promise<void> {
  await chain.rpc('anvil_impersonateAccount', [wallet])
  await chain.rpc('anvil_setBalance', [wallet, numberToHex(10n ** 18n)])
  const data = encodeFunctionData({ abi, functionName: 'approve', args: [PERMIT2, atomic] })
  await chain.rpc('eth_sendTransaction', [{ from: wallet, to: USDC, data }])
  await chain.rpc('anvil_stopImpersonatingAccount', [wallet])
}
