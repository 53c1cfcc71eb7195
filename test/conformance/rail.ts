/** What every rail has to hold, whatever its protocol. A rail's test calls this with challenges of its own. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Head } from '../../src/http.ts'
import type { Authorization, AuthorizeRequest, Challenge, Detected, Rail } from '../../src/rails/rail.ts'
import { createLocalWallet, generateKey } from '../../src/wallet/local-key.ts'
import type { PermitTransfer, TransferAuthorization, TransferSigner } from '../../src/wallet/wallet.ts'

export interface RailCase {
  readonly rail: Rail
  /** 402s with exactly one payable offer each, with a name. */
  readonly payable: readonly { readonly name: string; readonly head: Head; readonly body: Uint8Array | undefined }[]
  /** 402s that claim the protocol and cannot be relied on. */
  readonly broken: readonly { readonly name: string; readonly head: Head; readonly body: Uint8Array | undefined }[]
}

const NONCE = `0x${'7a'.repeat(32)}` as const
const WINDOW = { validAfter_s: 1_799_999_400, validBefore_s: 1_800_000_060 }
const honest = createLocalWallet({ key: generateKey() })

export function railConformance(name: string, { rail, payable, broken }: RailCase): void {
  describe(`${name} as a rail`, () => {
    it('names its payment headers in lower case, and pays in one of them only', async () => {
      for (const header of rail.paymentHeaders) expect(header).toBe(header.toLowerCase())
      for (const { head, body } of payable) {
        const [header, value, ...rest] = (await signedBy(honest, rail.detect(head, body))).headers
        const [scheme = ''] = value?.toLowerCase().split(' ') ?? []
        expect(rail.paymentHeaders.some((name) => [header?.toLowerCase(), `${header?.toLowerCase()} ${scheme}`].includes(name))).toBe(true)
        expect(value).toMatch(/^([A-Za-z]+ )?[\x21-\x7e]+$/)
        expect(rest).toEqual([])
      }
    })

    it.each([
      ['without a body', [], undefined],
      ['of an API that has run out of credits', ['Content-Type', 'application/json'], Buffer.from('{"error":"no credits left"}')],
      ['with a page', ['Content-Type', 'text/html'], Buffer.from('<html>Please pay</html>')],
      ['of another protocol', ['WWW-Authenticate', 'L402 macaroon="x", invoice="y"'], Buffer.from('')],
    ])('does not claim a 402 %s', (_, headers, body) => {
      expect(rail.detect({ status: 402, headers }, body)).toBeUndefined()
    })

    it.each(payable)('reads $name into one offer, the same each time', ({ head, body }) => {
      const challenge = challengeOf(rail.detect(head, body))
      expect(challenge).toMatchObject({ rail: rail.name, digest: expect.stringMatching(/^[0-9a-f]{64}$/), offers: [{ rail: rail.name }] })
      expect(rail.detect(head, body)).toEqual({ kind: 'challenge', challenge })
    })

    it.each(broken)('claims $name and says that it is invalid, in words of its own', ({ head, body }) => {
      expect(rail.detect(head, body)).toEqual({ kind: 'invalid', reason: expect.stringMatching(/^[A-Z].*\.$/) })
    })

    it('gives a typed result for any header and body', () => {
      const names = [...new Set(payable.flatMap(({ head }) => head.headers.filter((_, i) => i % 2 === 0)))]
      const headers = fc.array(fc.tuple(fc.constantFrom(...names, 'x-other'), fc.string()), { maxLength: 4 }).map((pairs) => pairs.flat())
      fc.assert(
        fc.property(headers, fc.option(fc.uint8Array(), { nil: undefined }), (raw, body) => {
          const detected = rail.detect({ status: 402, headers: raw }, body)
          expect(detected === undefined || detected.kind === 'invalid' || detected.kind === 'challenge').toBe(true)
          rail.settlement({ status: 200, headers: raw }, { network: 'eip155:84532', protocolVersion: 2 })
          rail.askAgain({ status: 402, headers: raw }, raw)
        }),
      )
    })

    it.each(payable)('signs for $name what was asked, and the same bytes again', async ({ head, body }) => {
      const challenge = challengeOf(rail.detect(head, body))
      const [offer] = challenge.offers
      const signed = await sign(honest, challenge)
      expect(signed).toMatchObject({
        nonce: (offer && rail.nonceOf?.(offer)) ?? NONCE,
        ...WINDOW,
        payTo: offer?.payTo,
        payer: await honest.address(null),
        transfer: { value: offer?.amount },
      })
      expect(await sign(honest, challenge)).toEqual(signed)
    })

    describe.each(payable)('lets nothing leave for $name', ({ head, body }) => {
      it.each(liars())('when the wallet signs $what', async ({ wallet }) => {
        await expect(signedBy(wallet, rail.detect(head, body))).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
      })
    })

    it('takes silence about the settlement for silence', () => {
      expect(
        rail.settlement({ status: 200, headers: ['Content-Type', 'text/plain'] }, { network: 'eip155:84532', protocolVersion: 2 }),
      ).toBeUndefined()
    })
  })

  const signedBy = (wallet: TransferSigner, detected: Detected | undefined) => sign(wallet, challengeOf(detected))

  async function sign(wallet: TransferSigner, challenge: Challenge): Promise<Authorization> {
    const [offer] = challenge.offers
    if (!offer) throw new Error('no offer')
    const request: AuthorizeRequest = { challenge, offer, nonce: rail.nonceOf?.(offer) ?? NONCE, ...WINDOW, walletName: null }
    return rail.authorize(request, wallet)
  }
}

function challengeOf(detected: Detected | undefined): Challenge {
  if (detected?.kind !== 'challenge') throw new Error(`not a challenge: ${JSON.stringify(detected)}`)
  return detected.challenge
}

/** Wallets that sign something else than they were asked for, in whatever form it is. */
function liars(): { what: string; wallet: TransferSigner }[] {
  const other = '0x1111111111111111111111111111111111111111' as const
  const lie = (
    what: string,
    change: (data: TransferAuthorization) => Partial<TransferAuthorization>,
    changePermit: (data: PermitTransfer) => Partial<PermitTransfer>,
  ) => ({
    what,
    wallet: {
      address: (name: string | null) => honest.address(name),
      signTransfer: (name: string | null, data: TransferAuthorization) => honest.signTransfer(name, { ...data, ...change(data) }),
      signPermit: (name: string | null, data: PermitTransfer) => honest.signPermit(name, { ...data, ...changePermit(data) }),
    },
  })
  const toOther = ({ witness }: PermitTransfer) => ({ witness: { ...witness, to: other } })
  const from0 = ({ witness }: PermitTransfer) => ({ witness: { ...witness, validAfter: 0n } })
  const forAnyone = ({ witness }: PermitTransfer) => ({ witness: { ...witness, facilitator: other } })
  const none = `0x${'00'.repeat(32)}` as const
  const nextChain = ({ domain }: TransferAuthorization) => ({ domain: { ...domain, chainId: domain.chainId + 1 } })
  const otherToken = ({ domain }: TransferAuthorization) => ({ domain: { ...domain, verifyingContract: other } })
  return [
    lie(
      'a larger amount',
      ({ value }) => ({ value: value + 1n }),
      ({ amount }) => ({ amount: amount + 1n }),
    ),
    lie('another recipient', () => ({ to: other }), toOther),
    lie(
      'a longer window',
      ({ validBefore }) => ({ validBefore: validBefore + 1n }),
      ({ deadline }) => ({ deadline: deadline + 1n }),
    ),
    lie('an earlier window', () => ({ validAfter: 0n }), from0),
    lie(
      'another nonce',
      () => ({ nonce: none }),
      () => ({ nonce: none }),
    ),
    lie('for another token', otherToken, () => ({ token: other })),
    lie('for another chain', nextChain, ({ chainId }) => ({ chainId: chainId + 1 })),
    lie('for another one to settle it', () => ({ to: other }), forAnyone),
    lie(
      'for another spender',
      () => ({ to: other }),
      () => ({ spender: other }),
    ),
    ...liarsByOtherMeans(),
  ]
}

function liarsByOtherMeans(): { what: string; wallet: TransferSigner }[] {
  const stranger = createLocalWallet({ key: generateKey() })
  const address = (name: string | null) => honest.address(name)
  return [
    {
      what: 'with another key',
      wallet: {
        address,
        signTransfer: async (name, data) => stranger.signTransfer(name, { ...data, from: await stranger.address(null) }),
        signPermit: async (name, data) => stranger.signPermit(name, { ...data, from: await stranger.address(null) }),
      },
    },
    {
      what: 'what it made of our own object',
      wallet: {
        address,
        signTransfer: (name, data) => honest.signTransfer(name, Object.assign(data, { value: data.value * 2n })),
        signPermit: (name, data) => honest.signPermit(name, Object.assign(data, { amount: data.amount * 2n })),
      },
    },
    { what: 'nothing', wallet: { address, signTransfer: async () => '0x', signPermit: async () => '0x' } },
  ]
}
