/** The connection to a host: direct, or through a jump host. */
import * as net from "node:net";
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { rootCause } from "../causes";
import { type Place, SshError, type SshLimits, upper } from "./place";

/** @throws SshError if the host does not accept the connection */
export function dial(place: Place, limits: SshLimits): Promise<net.Socket> {
    const { host, port, at, role } = place;
    const correct = `${place.setting("address")} or ${place.setting("port")}`;
    return new Promise((resolve, reject) => {
        const socket = net.connect({ host, port, noDelay: true });
        const timer = setTimeout(
            () =>
                fail(
                    `${upper(role)}, ${at}, does not answer within ${limits.answer / 1000} seconds: ` +
                        "it is down, or a firewall drops the packets to it. " +
                        `Make sure that it can be reached from here, or correct ${correct}.`,
                ),
            limits.answer,
        );
        const fail = (message: string) => {
            clearTimeout(timer);
            socket.destroy();
            reject(new SshError(message));
        };
        socket.once("error", (error) => fail(noConnection(place, error)));
        socket.once("connect", () => {
            clearTimeout(timer);
            socket.removeAllListeners("error");
            resolve(socket);
        });
    });
}

/** Why there is no connection, from the system's error code. */
function noConnection(place: Place, error: Error): string {
    const { host, at, role } = place;
    const correct = `${place.setting("address")} or ${place.setting("port")}`;
    const { code, message } = rootCause(error);
    switch (code) {
        case "ENOTFOUND":
        case "EAI_AGAIN":
            return (
                `The name of ${role}, ${host}, cannot be resolved (${code}). ` +
                `Correct ${place.setting("address")}, or check the DNS of this machine.`
            );
        case "ECONNREFUSED":
            return (
                `${upper(role)}, ${at}, refuses connections: ` +
                `no SSH server listens there, or a firewall blocks it. Start it, or correct ${correct}.`
            );
        case "EHOSTUNREACH":
        case "ENETUNREACH":
        case "ETIMEDOUT":
            return (
                `${upper(role)}, ${at}, cannot be reached from here (${code}). ` +
                `Check the network, or correct ${correct}.`
            );
        default:
            return `No connection to ${role}, ${at}: ${code ?? message}.`;
    }
}

/** @throws SshError if the jump host does not connect to the host */
export function through(jump: Client, jumpPlace: Place, place: Place, limits: SshLimits): Promise<Duplex> {
    return new Promise((resolve, reject) => {
        const where = `${place.role}, ${place.at}, over the jump host ${jumpPlace.host}`;
        const timer = setTimeout(
            () =>
                reject(
                    new SshError(
                        `No connection to ${where} within ${limits.answer / 1000} seconds: ` +
                            `${place.host} is down, or a firewall drops the packets from the jump host.`,
                    ),
                ),
            limits.answer,
        );
        jump.forwardOut("127.0.0.1", 0, place.host, place.port, (error, stream) => {
            clearTimeout(timer);
            if (!error) return resolve(stream);
            const said = error.message.replace("(SSH) Channel open failure: ", "");
            const prohibited = /prohibited/i.test(said) || (error as Error & { reason?: number }).reason === 1;
            reject(
                new SshError(
                    prohibited
                        ? `The jump host ${jumpPlace.host} does not allow connections to ${place.at} (${said}); ` +
                              "see AllowTcpForwarding and PermitOpen in its sshd_config."
                        : `No connection to ${where}: ${said}. ` +
                              "Make sure that the SSH server runs there, " +
                              `or correct ${place.setting("address")} or ${place.setting("port")}.`,
                ),
            );
        });
    });
}
