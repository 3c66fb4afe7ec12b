/** User and group ids of a task (credentials(7)). Values are immutable: a change makes a new object, as prepare_creds does. */
export interface Credentials {
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
}

/** Credentials of a user that logged in. */
export function credentials(uid: number, gid: number, groups: readonly number[]): Credentials {
  return { uid, euid: uid, suid: uid, fsuid: uid, gid, egid: gid, sgid: gid, fsgid: gid, groups };
}

/** True if the task may override permission checks: folio gives capabilities to effective uid 0 only. */
export function isPrivileged(creds: Credentials): boolean {
  return creds.euid === 0;
}
