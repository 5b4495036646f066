/** Where to go after the login: only ever to a page of ours. */

export function nextOf(asked: string): string {
  const ours = /^\/(?![/\\])/.test(asked) && ![...asked].some((each) => each < " ");
  return ours && !asked.startsWith("/login") ? asked : "/";
}
