/** What is tried on every host: each case on the set-ups that it concerns. */
import type { Case } from "./case";
import { deployments } from "./deployments";
import { rights } from "./rights";
import { storage } from "./storage";
import { units } from "./units";

export const cases: Case[] = [...deployments, ...units, ...storage, ...rights];
