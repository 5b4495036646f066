/** What surrounds every page: navigation, search, theme, shortcuts and notices. */

import { Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";

import { useGet } from "../api/client";
import type { Me } from "../api/types";
import { Button } from "../parts/Button";
import { Icon } from "../parts/icons";
import { useKeys } from "../parts/keys";
import { Link } from "../parts/Link";
import { Account } from "./Account";
import styles from "./Frame.module.css";
import { Lost } from "./Lost";
import { PLACES } from "./places";
import { Shortcuts } from "./Shortcuts";
import { ThemeSwitch } from "./ThemeSwitch";
import { useGoing } from "../parts/useGoing";

const loadPalette = () => import("./Palette");
const Palette = lazy(loadPalette);
/** Milliseconds after which the palette is fetched, so that it takes the first key that is typed. */
const QUIET = 1500;

export function Frame() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  if (path === "/login") return <Outlet />;
  return <Framed path={path} />;
}

function Framed({ path }: { path: string }) {
  const [searching, search] = useState(false);
  const [helping, help] = useState(false);
  const go = useGoing();
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  useKeys([
    ...PLACES.map((place) => ({
      keys: place.keys,
      title: `Go to ${place.title}`,
      act: () => go(place.to),
    })),
    { keys: "/", title: "Search and act", act: () => search(true) },
    { keys: "?", title: "Show these shortcuts", act: () => help(true) },
  ]);
  usePaletteKey(() => search((open) => !open));
  useEffect(() => {
    const timer = window.setTimeout(() => void loadPalette(), QUIET);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      <header className={styles.side}>
        <Link to="/" className={styles.brand} aria-label={`Orchestrator ${me?.project ?? ""}`}>
          <img src="/favicon.svg" alt="" width="26" height="26" />
          <span className={styles.project}>{me?.project || "Orchestrator"}</span>
        </Link>
        <button
          type="button"
          className={styles.search}
          aria-label="Search"
          onClick={() => search(true)}
        >
          <Icon name="search" />
          <span>Search</span>
          <kbd aria-hidden="true">/</kbd>
        </button>
        <nav className={styles.nav} aria-label="Main">
          {PLACES.map((place) => (
            <Link
              key={place.to}
              to={place.to}
              aria-current={place.holds(path) ? "page" : undefined}
            >
              <Icon name={place.icon} size={18} />
              <span>{place.title}</span>
            </Link>
          ))}
        </nav>
        <div className={styles.tools}>
          <ThemeSwitch />
          <span className={styles.help}>
            <Button kind="quiet" icon="help" bare onClick={() => help(true)}>
              Keyboard shortcuts
            </Button>
          </span>
          <Account me={me} />
        </div>
      </header>
      <div className={styles.main}>
        <Lost />
        <Outlet />
      </div>
      <Shortcuts open={helping} onClose={() => help(false)} />
      {searching && (
        <Suspense fallback={null}>
          <Palette
            me={me}
            onClose={() => search(false)}
            onHelp={() => {
              search(false);
              help(true);
            }}
          />
        </Suspense>
      )}
    </div>
  );
}

/** Ctrl-K and Cmd-K open the palette from anywhere, from within a field, too. */
function usePaletteKey(toggle: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      toggle();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  });
}
