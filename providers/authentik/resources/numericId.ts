/** What resources share whose id is a number in the API. `place` says where to find their pages. */
export const numericId = (place: string) => ({
    checkId: (id: string) => (/^[1-9]\d*$/.test(id) ? undefined : "it is a whole number"),
    idHelp: `Its id is the number in the address of its page ${place}.`,
});
