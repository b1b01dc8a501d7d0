//! @NAME@: a plugin for Bullpen that sees requests and responses on their way.
use bullpen::plugin::hooks::{HeaderChanges, ResponseChanges};
use bullpen::plugin::http::Header;

// From the folder wit/: modules for what the plugin uses, and the trait `Guest` for what it offers.
wit_bindgen::generate!({ path: "wit", world: "middleware", generate_all });

struct Plugin;

impl Guest for Plugin {
    /// Rejects requests for paths below /private; all others go on as they are.
    fn on_request(request: Request) -> Result<RequestAction, String> {
        if !request.path.starts_with("/private") {
            return Ok(RequestAction::Continue);
        }
        Ok(RequestAction::Reject(Response {
            status: 403,
            headers: Vec::new(),
            body: b"not for you\n".to_vec(),
        }))
    }

    /// Adds the header x-plugin.
    fn on_response(_request: Request, _response: Response) -> Result<ResponseAction, String> {
        let mark = Header { name: "x-plugin".into(), value: "@NAME@".into() };
        let headers = HeaderChanges { remove: Vec::new(), set: Vec::new(), add: vec![mark] };
        Ok(ResponseAction::Modify(ResponseChanges { headers, status: None, body: None }))
    }

    /// Leaves errors as they are.
    fn on_error(_request: Request, _failure: Failure) -> Result<ResponseAction, String> {
        Ok(ResponseAction::Continue)
    }
}

export!(Plugin);
