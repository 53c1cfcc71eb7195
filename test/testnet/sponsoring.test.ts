/** The testnet’s side of `eip2612GasSponsoring`, proven with the official client: a wallet that never allowed Permit2 anything pays. */
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { UptoEvmScheme } from '@x402/evm/upto/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, encodeFunctionData, http, numberToHex, parseAbi, parseSignature } from 'viem'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { PERMIT2 } from '../../src/permit-digest.ts'
import { NETWORK, USDC } from './chain.ts'
import type { PaidServer } from './paid-servers.ts'
import { startPermitServer } from './permit-server.ts'
import { placePermit2 } from './permit2.ts'
import { startTestnet, type Testnet } from './testnet.ts'

const abi = parseAbi([
  'function allowance(address owner, address spender) view returns (uint256)',
  'function nonces(address owner) view returns (uint256)',
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
])
const hex = z.templateLiteral(['0x', z.string()])
const sponsoring = z.looseObject({
  ...{ from: hex, asset: hex, spender: hex, signature: hex },
  ...{ amount: z.string(), nonce: z.string(), deadline: z.string(), version: z.string() },
})
const paid = z.looseObject({
  extensions: z.looseObject({ eip2612GasSponsoring: z.looseObject({ info: sponsoring }).optional() }).optional(),
})
type Info = z.infer<typeof sponsoring>

let testnet: Testnet
let server: PaidServer
let plain: PaidServer

beforeAll(async () => {
  testnet = await startTestnet()
  await placePermit2(testnet)
  server = await startPermitServer(testnet, { sponsored: true })
  plain = await startPermitServer(testnet)
})
afterAll(async () => {
  for (const one of [plain, server, testnet]) await one?.[Symbol.asyncDispose]()
})

/**
 * With money and no allowance.
 * @param meddle sees each permit before the server does.
 * @param asked atomic units that it believes a payment costs, when it signs the permit; else what the payment is.
 */
async function makePayer(meddle: (info: Info | undefined) => Promise<void> = async () => {}, asked?: bigint) {
  const account = privateKeyToAccount(generatePrivateKey())
  const owner = account.address
  await testnet.fund(owner, 10_000n)
  const chain = createPublicClient({ transport: http(testnet.rpcUrl) })
  const options = { rpcUrl: testnet.rpcUrl }
  const signed: unknown[] = []
  const signer = {
    address: owner,
    signTypedData: (data: Parameters<typeof account.signTypedData>[0]) => {
      signed.push(data)
      const more = asked !== undefined && data.primaryType === 'Permit' ? { message: { ...data.message, value: asked } } : {}
      return account.signTypedData({ ...data, ...more })
    },
  }
  const client = new x402Client()
    .register(NETWORK, new ExactEvmScheme(signer as typeof account, options))
    .register(NETWORK, new UptoEvmScheme(signer as typeof account, options))
  const infos: (Info | undefined)[] = []
  const watching = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    const header = request.headers.get('payment-signature')
    if (header === null) return fetch(request)
    const payment = paid.parse(JSON.parse(Buffer.from(header, 'base64').toString()))
    const info = payment.extensions?.eip2612GasSponsoring?.info
    if (info && asked !== undefined) info.amount = asked.toString()
    infos.push(info)
    await meddle(info)
    request.headers.set('payment-signature', Buffer.from(JSON.stringify(payment)).toString('base64'))
    return fetch(request)
  }
  const read = async () => ({
    allowance: await chain.readContract({ address: USDC, abi, functionName: 'allowance', args: [owner, PERMIT2] }),
    nonce: await chain.readContract({ address: USDC, abi, functionName: 'nonces', args: [owner] }),
    balance: await testnet.balanceOf(owner),
  })
  return { owner, pay: wrapFetchWithPayment(watching, client), read, signed, infos }
}

it('an exact payment needs no allowance beforehand and leaves none, as often as one likes', async () => {
  const payer = await makePayer()
  expect(await payer.read()).toEqual({ allowance: 0n, nonce: 0n, balance: 10_000n })
  for (const nonce of [1n, 2n]) {
    expect((await payer.pay(`${server.url}/exact`)).status).toBe(200)
    expect(await payer.read()).toEqual({ allowance: 0n, nonce, balance: 10_000n - nonce * 1_000n })
  }
  const terms = { from: payer.owner, asset: USDC, spender: PERMIT2, amount: '1000', version: '1' }
  expect(payer.infos).toMatchObject([
    { ...terms, nonce: '0' },
    { ...terms, nonce: '1' },
  ])
})

it('what is signed is a Permit of the amount to Permit2, under the domain of the token’s authorizations, as long as the payment lives', async () => {
  const payer = await makePayer()
  await payer.pay(`${server.url}/exact`)
  const domain = { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: USDC }
  const deadline = BigInt(payer.infos[0]?.deadline ?? 0)
  const message = { owner: payer.owner, spender: PERMIT2, value: 1_000n, nonce: 0n, deadline }
  expect(payer.signed).toMatchObject([
    { primaryType: 'PermitWitnessTransferFrom', message: { deadline } },
    { primaryType: 'Permit', domain, message },
  ])
})

it('upto: the permit is for the most, and what was not taken stays allowed', async () => {
  const payer = await makePayer()
  expect((await payer.pay(`${server.url}/upto?take=300`)).status).toBe(200)
  expect(await payer.read()).toEqual({ allowance: 700n, nonce: 1n, balance: 9_700n })
  expect(payer.infos).toMatchObject([{ amount: '1000' }])
})

it('a permit that somebody handed to the token first does not stop the payment', async () => {
  const payer = await makePayer((info) => handIn(info))
  expect((await payer.pay(`${server.url}/exact`)).status).toBe(200)
  expect(await payer.read()).toEqual({ allowance: 0n, nonce: 1n, balance: 9_000n })
})

it('a permit for more than the payment is not taken, though its signature is right', async () => {
  const payer = await makePayer(undefined, 2_000n)
  expect((await payer.pay(`${server.url}/exact`)).status).not.toBe(200)
  expect(payer.infos).toMatchObject([{ amount: '2000' }])
  expect(await payer.read()).toEqual({ allowance: 0n, nonce: 0n, balance: 10_000n })
})

it('without the extension the same wallet is told that its allowance is missing, and nothing moves', async () => {
  const payer = await makePayer()
  expect((await payer.pay(`${plain.url}/exact`)).status).toBe(412)
  expect(payer.infos).toEqual([undefined])
  expect(await payer.read()).toEqual({ allowance: 0n, nonce: 0n, balance: 10_000n })
})

/** By a stranger, in a transaction of its own. */
async function handIn(info: Info | undefined): Promise<void> {
  if (!info) throw new Error('no permit was sent along')
  const { v, yParity, r, s } = parseSignature(info.signature)
  const terms = [info.from, info.spender, BigInt(info.amount), BigInt(info.deadline), Number(v ?? yParity + 27), r, s] as const
  const stranger = privateKeyToAddress(generatePrivateKey())
  await testnet.rpc('anvil_impersonateAccount', [stranger])
  await testnet.rpc('anvil_setBalance', [stranger, numberToHex(10n ** 18n)])
  const data = encodeFunctionData({ abi, functionName: 'permit', args: terms })
  await testnet.rpc('eth_sendTransaction', [{ from: stranger, to: info.asset, data }])
}
