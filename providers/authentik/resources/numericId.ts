/** What all resources share whose id is a number to the API. `place` is where their pages are. */
export const numericId = (place: string) => ({
    checkId: (id: string) => (/^[1-9]\d*$/.test(id) ? undefined : "it is a whole number"),
    idHelp: `Its id is the number in the address of its page ${place}.`,
});
