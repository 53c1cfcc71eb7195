/** The parts that all routes share: the router, who may call, and how answers are described. */
import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { refused } from '../errors.ts'
import type { AdminRole } from '../ledger/administration.ts'
import { PROBLEM_TYPE } from '../session/problem.ts'
import type { Events } from '../telemetry/events.ts'
import { answerProblem, problemHandler, refuseInvalid } from './answers.ts'
import type { SignedIn } from './signin-book.ts'

/** Who asks: the id of a token, or `admin.token`. */
export interface Caller {
  readonly id: string
  /** Whose words its words are: the person the token belongs to, else the token itself. */
  readonly person: string
  readonly role: AdminRole
}

export interface AdminEnv {
  /** `signedIn` where a browser asks with the console's cookie. */
  Variables: { caller: Caller; signedIn?: SignedIn }
  /** Absent where a test asks the app without a listener. */
  Bindings: Partial<HttpBindings>
}

export type AdminApp = OpenAPIHono<AdminEnv>

/** A router that answers every failure with a problem document. */
export function createRouter(events: Pick<Events, 'faulted'>): AdminApp {
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: (result) => refuseInvalid(result) })
  app.onError(problemHandler(events))
  app.notFound(({ req }) => answerProblem({ code: 'not_found', detail: `There is no ${req.method} ${req.path} here.` }))
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  return app
}

/** Every role may read. */
export const READERS = ['operator', 'approver', 'auditor'] as const

/** The members of a route that only these roles may call; the role `all` always may. */
export function allow(...roles: readonly AdminRole[]) {
  return { middleware: requireRole(roles), security: [{ bearer: [] }], 'x-roles': [...new Set(['all', ...roles])] }
}

function requireRole(roles: readonly AdminRole[]): MiddlewareHandler<AdminEnv> {
  return async (context, next) => {
    const { role } = context.get('caller')
    if (role !== 'all' && !roles.includes(role)) {
      throw refused('forbidden', `This token has the role ${role}; this needs ${[...roles, 'the token of the data folder'].join(' or ')}.`)
    }
    await next()
  }
}

const Problem = z
  .looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string(), nextAction: z.string() })
  .openapi('Problem')

/** What every guarded route may answer instead of its own answer. */
export const PROBLEMS = {
  default: { description: 'Why not: a problem document (RFC 9457)', content: { [PROBLEM_TYPE]: { schema: Problem } } },
} as const

/** One answer or body in JSON. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** A JSON body that must be there. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } }
}

/** The id in a path. */
export const IdParam = z.object({ id: z.string().min(1).max(200) })
