/** A link to a page of ours, by its address; it is a real link, so it opens in tabs, too. */

import { useRouter } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, MouseEvent } from "react";

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** A path of this page, as `paths.ts` or the API makes it; nothing else is followed. */
  to: string;
}

export function Link({ to, onClick, ...rest }: Props) {
  const router = useRouter();
  const safe = to.startsWith("/") && !to.startsWith("//") && !to.startsWith("/\\") ? to : "/";
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    const ours = event.button === 0 && !rest.target && !event.defaultPrevented;
    if (!ours || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    router.history.push(safe);
  };
  return <a {...rest} href={safe} onClick={follow} />;
}
