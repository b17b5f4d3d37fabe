use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Delivery, Message, OUTBOX_BYTES, OUTBOX_MESSAGES, PublishError};

/// Messages on their way: waiting, handed to the connection, and sent but not acknowledged. When a connection ends,
/// everything that is not acknowledged waits again, in its old order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    /// Handed to the client, which numbers them in this order.
    handed: VecDeque<Message>,
    /// Sent under a packet identifier.
    unacked: VecDeque<(u16, Message)>,
    bytes: usize,
    filters: Vec<String>,
    /// Filters before this index are subscribed in the present connection.
    subscribed: usize,
    /// Filters to end in the present connection, before anything is subscribed.
    ended: Vec<String>,
    closing: bool,
}

/// What the connection should do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Unsubscribe(String),
    Subscribe(String),
    Publish(Message),
    Wait,
    Close,
}

impl Outbox {
    pub(super) fn push(&self, message: Message) -> Result<(), PublishError> {
        let mut state = self.lock();
        let (messages, bytes) = (state.len(), state.bytes + message.payload.len());
        if messages >= OUTBOX_MESSAGES || bytes > OUTBOX_BYTES {
            return Err(PublishError::OutboxFull { messages, bytes: state.bytes });
        }
        state.bytes = bytes;
        state.waiting.push_back(message);
        Ok(())
    }

    pub(super) fn subscribe(&self, filter: String) {
        let mut state = self.lock();
        if !state.filters.contains(&filter) {
            state.filters.push(filter);
        }
    }

    pub(super) fn unsubscribe(&self, filter: String) {
        let mut state = self.lock();
        if let Some(at) = state.filters.iter().position(|known| *known == filter) {
            state.filters.remove(at);
            if at < state.subscribed {
                state.subscribed -= 1;
                state.ended.push(filter);
            }
        }
    }

    pub(super) fn close(&self) {
        self.lock().closing = true;
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The next request, keeping at most `window` messages unacknowledged.
    pub(super) fn next(&self, window: usize) -> Next {
        let mut state = self.lock();
        if let Some(filter) = state.ended.pop() {
            return Next::Unsubscribe(filter);
        }
        if let Some(filter) = state.filters.get(state.subscribed).cloned() {
            state.subscribed += 1;
            return Next::Subscribe(filter);
        }
        if state.handed.len() + state.unacked.len() < window
            && let Some(message) = state.waiting.pop_front()
        {
            state.handed.push_back(message.clone());
            return Next::Publish(message);
        }
        if state.closing && state.len() == 0 { Next::Close } else { Next::Wait }
    }

    /// The connection has sent the oldest handed message under this identifier; 0 for at-most-once.
    pub(super) fn sent(&self, packet: u16) {
        let mut state = self.lock();
        if let Some(message) = state.handed.pop_front() {
            if message.delivery == Delivery::AtMostOnce {
                state.bytes -= message.payload.len();
            } else {
                state.unacked.push_back((packet, message));
            }
        }
    }

    /// The broker has taken the message of this identifier.
    pub(super) fn acknowledged(&self, packet: u16) {
        let mut state = self.lock();
        if let Some(at) = state.unacked.iter().position(|(id, _)| *id == packet)
            && let Some((_, message)) = state.unacked.remove(at)
        {
            state.bytes -= message.payload.len();
        }
    }

    /// The connection is gone: nothing is subscribed, and what was under way waits again. An at-most-once message that
    /// was handed over may have been sent, and is given up.
    pub(super) fn disconnected(&self) {
        let mut state = self.lock();
        state.subscribed = 0;
        state.ended.clear();
        while let Some(message) = state.handed.pop_back() {
            if message.delivery == Delivery::AtMostOnce {
                state.bytes -= message.payload.len();
            } else {
                state.waiting.push_front(message);
            }
        }
        while let Some((_, message)) = state.unacked.pop_back() {
            state.waiting.push_front(message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No call panics while it holds the lock, so a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn len(&self) -> usize {
        self.waiting.len() + self.handed.len() + self.unacked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: u8, delivery: Delivery) -> Message {
        Message { topic: "t".into(), payload: vec![payload], delivery, retain: false }
    }

    fn take(outbox: &Outbox) -> u8 {
        match outbox.next(8) {
            Next::Publish(message) => message.payload[0],
            other => panic!("{other:?} instead of a message"),
        }
    }

    #[test]
    fn a_lost_connection_repeats_what_was_not_acknowledged_in_order() {
        let outbox = Outbox::default();
        for payload in 1..=4 {
            outbox.push(message(payload, Delivery::AtLeastOnce)).unwrap();
        }
        assert_eq!([take(&outbox), take(&outbox), take(&outbox)], [1, 2, 3]);
        outbox.sent(11);
        outbox.sent(12);
        outbox.acknowledged(11);
        outbox.disconnected();
        assert_eq!([take(&outbox), take(&outbox), take(&outbox)], [2, 3, 4]);
        assert_eq!(outbox.next(8), Next::Wait);
        assert_eq!(outbox.len(), 3);
    }

    #[test]
    fn what_may_have_been_sent_once_is_not_sent_again() {
        let outbox = Outbox::default();
        for payload in 1..=3 {
            outbox.push(message(payload, Delivery::AtMostOnce)).unwrap();
        }
        assert_eq!([take(&outbox), take(&outbox)], [1, 2]);
        outbox.sent(0);
        outbox.disconnected();
        assert_eq!(outbox.len(), 1);
        assert_eq!(take(&outbox), 3);
    }

    #[test]
    fn each_connection_subscribes_first_and_closing_waits_for_acknowledgements() {
        let outbox = Outbox::default();
        outbox.subscribe("a/#".into());
        outbox.push(message(1, Delivery::AtLeastOnce)).unwrap();
        for packet in [1, 2] {
            assert_eq!(outbox.next(8), Next::Subscribe("a/#".into()));
            assert_eq!(take(&outbox), 1);
            outbox.sent(packet);
            if packet == 1 {
                outbox.disconnected();
            }
        }
        outbox.close();
        assert_eq!(outbox.next(8), Next::Wait);
        outbox.acknowledged(2);
        assert_eq!(outbox.next(8), Next::Close);
    }

    #[test]
    fn the_window_and_the_outbox_are_bounded() {
        let outbox = Outbox::default();
        for payload in 0..3 {
            outbox.push(message(payload, Delivery::AtMostOnce)).unwrap();
        }
        assert!(matches!(outbox.next(1), Next::Publish(_)));
        assert_eq!(outbox.next(1), Next::Wait);
        outbox.sent(0);
        assert!(matches!(outbox.next(1), Next::Publish(_)));

        let big = Message { payload: vec![0; OUTBOX_BYTES], ..message(0, Delivery::AtLeastOnce) };
        assert!(matches!(outbox.push(big), Err(PublishError::OutboxFull { messages: 2, .. })));
    }
}
