/** Whether something is within what a session is for. */
import { climbs, matchesHost, matchesPath } from './host-pattern.ts'
import type { SessionScope } from './session.ts'

export interface ScopeTarget {
  readonly host: string
  readonly port?: number
  readonly method: string
  /** As asked upstream; its query is not looked at. Undefined where no path is known yet: then paths refuse nothing. */
  readonly path?: string
  /** What the agent says in `Purser-Tool`. */
  readonly tool?: string
  /** The payment's categories; undefined where a request is judged before any payment is known. */
  readonly categories?: readonly string[]
}

/**
 * The sentence that says why the target is outside the scope, or undefined where it is within. A dimension that the
 * scope does not declare refuses nothing; an empty list refuses everything.
 */
export function outOfScope(scope: SessionScope, target: ScopeTarget): string | undefined {
  return (
    hostBar(scope, target) ?? methodBar(scope, target) ?? pathBar(scope, target) ?? toolBar(scope, target) ?? categoryBar(scope, target)
  )
}

function hostBar({ hosts }: SessionScope, { host, port }: ScopeTarget): string | undefined {
  if (!hosts || hosts.some((pattern) => matchesHost(pattern, host, port))) return undefined
  return `Host ${host} is not among the hosts of this session (${listed(hosts)}).`
}

function methodBar({ methods }: SessionScope, { method }: ScopeTarget): string | undefined {
  if (!methods || methods.includes(method.toUpperCase())) return undefined
  return `Method ${method} is not among the methods of this session (${listed(methods)}).`
}

/** A path that a server may read as another one is within no scope that names paths. */
function pathBar({ paths }: SessionScope, { path }: ScopeTarget): string | undefined {
  const asked = path?.replace(/[?#].*$/s, '')
  if (!paths || asked === undefined || (!climbs(asked) && paths.some((glob) => matchesPath(glob, asked)))) return undefined
  return `The path is not among the paths of this session (${listed(paths)}).`
}

function toolBar({ tools }: SessionScope, { tool }: ScopeTarget): string | undefined {
  if (!tools || (tool !== undefined && tools.includes(tool))) return undefined
  const all = listed(tools)
  if (tool === undefined) return `The request names no tool, and this session is for the tools ${all}.`
  return `Tool ${JSON.stringify(tool)} is not among the tools of this session (${all}).`
}

function categoryBar(scope: SessionScope, { categories }: ScopeTarget): string | undefined {
  const wanted = scope.categories
  if (!wanted || !categories || categories.some((category) => wanted.includes(category))) return undefined
  const said = categories.length === 0 ? 'The payment has no category' : `The payment is for ${categories.join(', ')}`
  return `${said}; this session is for ${listed(wanted)}.`
}

function listed(values: readonly string[]): string {
  return values.join(', ') || 'none'
}
