import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { AdminEnv } from '../../src/admin/router.ts'
import { cookieOf, giveCookie, refuseForged, takeCookie } from '../../src/admin/signin-cookie.ts'
import { PurserError } from '../../src/errors.ts'

function app() {
  const hono = new Hono<AdminEnv>()
  hono.onError((fault, context) => context.text(fault instanceof PurserError ? fault.refusal.code : 'fault', 500))
  hono.get('/read/:secure', (context) => context.text(cookieOf(context, { secure: context.req.param('secure') === 'yes' }) ?? 'none'))
  hono.get('/give/:secure', (context) => {
    giveCookie(context, 'con_1', { secure: context.req.param('secure') === 'yes' })
    return context.text('')
  })
  hono.get('/take/:secure', (context) => {
    takeCookie(context, { secure: context.req.param('secure') === 'yes' })
    return context.text('')
  })
  hono.all('/change', (context) => {
    refuseForged(context)
    return context.text('done')
  })
  return hono
}

describe('signin-cookie', () => {
  it('with a sign-in only its proof counts, whatever else is as our page sends it', () => {
    const signedIn = { holder: { kind: 'token', tokenHash: 'a' }, expiresAt: 0, isProof: (text: string) => text === 'prf_1' } as const
    const own = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } }
    const judged = (proof: string) => {
      const hono = new Hono<AdminEnv>().all('/', (context) => {
        refuseForged(context, signedIn)
        return context.text('done')
      })
      hono.onError((_, context) => context.text('refused'))
      return Promise.resolve(hono.request('/', { ...own, headers: { ...own.headers, 'purser-console': proof } })).then((answer) =>
        answer.text(),
      )
    }
    return expect(Promise.all(['prf_1', '1', 'prf_2'].map(judged))).resolves.toEqual(['done', 'refused', 'refused'])
  })

  it('with https the cookie is bound to this host', async () => {
    const [plain, bound] = [await app().request('/give/no'), await app().request('/give/yes')]
    expect(plain.headers.get('set-cookie')).toBe('purser=con_1; Path=/; HttpOnly; SameSite=Strict')
    expect(bound.headers.get('set-cookie')).toBe('__Host-purser=con_1; Path=/; HttpOnly; Secure; SameSite=Strict')
    expect((await app().request('/take/yes')).headers.get('set-cookie')).toBe('__Host-purser=; Max-Age=0; Path=/; Secure')
  })

  it('with https only the one that is bound to this host counts, never one that another host could have set', async () => {
    const headers = { cookie: 'purser=forged; __Host-purser=con_1' }
    expect(await (await app().request('/read/yes', { headers })).text()).toBe('con_1')
    expect(await (await app().request('/read/yes', { headers: { cookie: 'purser=forged' } })).text()).toBe('none')
    expect(await (await app().request('/read/no', { headers: { cookie: 'purser=con_2' } })).text()).toBe('con_2')
    expect(await (await app().request('/read/yes')).text()).toBe('none')
  })

  it.each([
    ['GET', {}, 'done'],
    ['POST', {}, 'forbidden'],
    ['POST', { 'purser-console': '1' }, 'forbidden'],
    ['POST', { 'sec-fetch-site': 'same-origin' }, 'forbidden'],
    ['POST', { 'purser-console': '1', 'sec-fetch-site': 'none' }, 'forbidden'],
    ['POST', { 'purser-console': '1', 'sec-fetch-site': 'same-origin' }, 'done'],
    ['POST', { 'purser-console': '1', origin: 'http://127.0.0.1:4021' }, 'done'],
    ['DELETE', { 'purser-console': '', 'sec-fetch-site': 'same-origin' }, 'forbidden'],
  ])('%s with %j is %s', async (method, headers: Record<string, string>, verdict) => {
    expect(await (await app().request('/change', { method, headers })).text()).toBe(verdict)
  })
})
