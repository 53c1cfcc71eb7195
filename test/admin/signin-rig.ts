/** A browser that signs in to the console of a fixture. */
import { expect } from 'vitest'
import { ADMIN_TOKEN, type Fixture } from './fixture.ts'

/** What the console's page sends with a call that changes something. */
export const OWN_PAGE = { 'purser-console': '1', 'sec-fetch-site': 'same-origin' }

/** Signs in, and answers the cookie as a browser would send it back. */
export async function signIn(fixture: Fixture, token = ADMIN_TOKEN): Promise<string> {
  return (await signInPage(fixture, token)).cookie
}

/** Signs in, and answers what the page then sends with a call that changes something. */
export async function signInPage(fixture: Fixture, token = ADMIN_TOKEN) {
  const answer = await fixture.ask('/console/sign-in', { token: null, body: { token }, headers: OWN_PAGE })
  expect(answer.status).toBe(200)
  const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
  return { ...OWN_PAGE, 'purser-console': answer.headers.get('purser-console') ?? '', cookie }
}
