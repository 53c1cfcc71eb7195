/** The key by which session tokens in the form of JWTs can be verified offline. It is public, and needs no token to be read. */
import { createRoute, z } from '@hono/zod-openapi'
import type { SessionJwts } from '../session/jwt.ts'
import { type AdminApp, json } from './router.ts'

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }).openapi('KeySet')

const keys = createRoute({
  method: 'get',
  path: '/v1/keys',
  summary: 'The public key of session tokens that are JWTs, as a JWK set (RFC 7517); no token needed',
  responses: { 200: json(KeySet, 'The keys; none where no JWTs are minted') },
})

export function registerKeys(app: AdminApp, { jwts }: { readonly jwts?: Pick<SessionJwts, 'keys'> | undefined }): void {
  app.openapi(keys, (context) => {
    context.header('Cache-Control', 'public, max-age=300')
    return context.json({ keys: (jwts?.keys.keys ?? []).map((key) => ({ ...key })) }, 200)
  })
}
