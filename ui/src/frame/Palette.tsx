/** The command palette: goes anywhere and does what needs no page. */

import { Command } from "cmdk";
import { useEffect, useState } from "react";

import { useGet } from "../api/client";
import type { Hit, Me } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { Icon, type IconName } from "../parts/icons";
import { useGoing } from "../parts/useGoing";
import styles from "./Palette.module.css";
import { PLACES } from "./places";
import { rememberTheme, THEMES } from "./theme";

interface Props {
  me: Me | undefined;
  onClose: () => void;
  onHelp: () => void;
}

interface Action {
  title: string;
  icon: IconName;
  act: () => void;
}

const ICONS: Record<Hit["kind"], IconName> = {
  flow: "flows",
  run: "runs",
  task: "play",
  dataset: "catalogue",
  schedule: "clock",
};

export default function Palette({ onClose, onHelp }: Props) {
  const [text, setText] = useState("");
  const asked = useSettled(text.trim(), 120);
  const found = useGet<{ results: Hit[] }>(asked ? "/search" : null, { q: asked }, { keep: true });
  const hits = asked ? (found.data?.results ?? []) : [];
  const go = useGoing();
  const leave = (to: string): void => {
    onClose();
    go(to);
  };
  const actions = actionsOf(leave, onClose, onHelp).filter((each) =>
    each.title.toLowerCase().includes(text.trim().toLowerCase()),
  );
  return (
    <Dialog open plain title="Search and act" onClose={onClose}>
      <Command className={styles.palette} shouldFilter={false} loop label="Search and act">
        <Command.Input
          className={styles.input}
          placeholder="Search flows, runs, tasks, datasets…"
          aria-label="Search"
          value={text}
          onValueChange={setText}
          autoFocus
        />
        <Command.List className={styles.list} label="Results">
          <Command.Empty className={styles.empty}>
            {found.isFetching
              ? "Searching…"
              : found.error
                ? found.error.what
                : `Nothing is called “${text.trim()}”.`}
          </Command.Empty>
          {hits.length > 0 && (
            <Command.Group heading="Found">
              {hits.map((hit) => (
                <Command.Item
                  key={hit.link}
                  value={`hit ${hit.link}`}
                  onSelect={() => leave(hit.link)}
                >
                  <Icon name={ICONS[hit.kind] ?? "right"} />
                  <span className={styles.title}>{hit.title}</span>
                  <span className={styles.detail}>{hit.detail ?? hit.kind}</span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          {actions.length > 0 && (
            <Command.Group heading="Do">
              {actions.map((each) => (
                <Command.Item key={each.title} value={`do ${each.title}`} onSelect={each.act}>
                  <Icon name={each.icon} />
                  <span className={styles.title}>{each.title}</span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
        </Command.List>
      </Command>
    </Dialog>
  );
}

function actionsOf(leave: (to: string) => void, close: () => void, help: () => void): Action[] {
  return [
    ...PLACES.map((place) => ({
      title: `Go to ${place.title}`,
      icon: place.icon,
      act: () => leave(place.to),
    })),
    { title: "Show failed runs", icon: "failed", act: () => leave("/runs?state=Failed") },
    { title: "Show running runs", icon: "running", act: () => leave("/runs?state=Running") },
    {
      title: "Open the latest run",
      icon: "runs",
      act: () => leave("/runs/latest"),
    },
    ...THEMES.map((theme): Action => ({
      title: `Use the ${theme === "system" ? "system’s" : theme} theme`,
      icon: theme === "dark" ? "moon" : theme === "light" ? "sun" : "system",
      act: () => {
        rememberTheme(theme);
        close();
      },
    })),
    { title: "Show keyboard shortcuts", icon: "help", act: help },
  ];
}

/** A value once it has stood still for some milliseconds. */
function useSettled(value: string, wait: number): string {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => settle(value), wait);
    return () => window.clearTimeout(timer);
  }, [value, wait]);
  return settled;
}
